-- A quote is what it was.

CREATE TRIGGER quote_kept_update BEFORE UPDATE ON quote
BEGIN SELECT RAISE(ABORT, 'quotes are never changed'); END;
CREATE TRIGGER quote_kept_delete BEFORE DELETE ON quote
BEGIN SELECT RAISE(ABORT, 'quotes are never deleted'); END;
CREATE TRIGGER quote_kept_insert BEFORE INSERT ON quote
WHEN EXISTS (SELECT 1 FROM quote WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'quotes are never replaced'); END;
