-- A quote is what it was.

CREATE TRIGGER quote_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON quote FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('quotes are never changed');
