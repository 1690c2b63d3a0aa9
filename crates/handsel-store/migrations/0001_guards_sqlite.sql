-- What is written once stays. A second line behind recursive_triggers = ON: without that, REPLACE would delete silently.

CREATE TRIGGER audit_kept_update BEFORE UPDATE ON audit
WHEN NOT (OLD.leaf_index IS NULL AND NEW.leaf_index IS NOT NULL AND NEW.mark = OLD.mark AND NEW.id = OLD.id
  AND NEW.account IS OLD.account AND NEW.created = OLD.created AND NEW.bytes = OLD.bytes AND NEW.hash = OLD.hash)
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_kept_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
CREATE TRIGGER audit_kept_insert BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM audit WHERE leaf_index = NEW.leaf_index)
  OR EXISTS (SELECT 1 FROM audit WHERE mark = NEW.mark)
BEGIN SELECT RAISE(ABORT, 'audit entries are never replaced'); END;

CREATE TRIGGER audit_node_kept_update BEFORE UPDATE ON audit_node
BEGIN SELECT RAISE(ABORT, 'audit nodes are never changed'); END;
CREATE TRIGGER audit_node_kept_delete BEFORE DELETE ON audit_node
BEGIN SELECT RAISE(ABORT, 'audit nodes are never deleted'); END;
CREATE TRIGGER audit_node_kept_insert BEFORE INSERT ON audit_node
WHEN EXISTS (SELECT 1 FROM audit_node WHERE level = NEW.level AND node_index = NEW.node_index)
BEGIN SELECT RAISE(ABORT, 'audit nodes are never replaced'); END;

CREATE TRIGGER event_kept_update BEFORE UPDATE ON event
WHEN NOT (OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND NEW.mark = OLD.mark AND NEW.id = OLD.id
  AND NEW.account = OLD.account AND NEW.created = OLD.created AND NEW.kind = OLD.kind AND NEW.object = OLD.object
  AND NEW.object_version = OLD.object_version AND NEW.request IS OLD.request AND NEW.only_to IS OLD.only_to
  AND NEW.body = OLD.body)
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER event_kept_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

CREATE TRIGGER attempt_kept_update BEFORE UPDATE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempts are never changed'); END;
CREATE TRIGGER attempt_kept_delete BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;

CREATE TRIGGER api_key_stays_revoked BEFORE UPDATE ON api_key
WHEN OLD.state = 'revoked' AND NEW.state <> 'revoked'
BEGIN SELECT RAISE(ABORT, 'a revoked key stays revoked'); END;
CREATE TRIGGER api_key_kept_delete BEFORE DELETE ON api_key
BEGIN SELECT RAISE(ABORT, 'keys are revoked, never deleted'); END;
CREATE TRIGGER api_key_kept_insert BEFORE INSERT ON api_key
WHEN EXISTS (SELECT 1 FROM api_key WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM api_key WHERE public_id = NEW.public_id)
BEGIN SELECT RAISE(ABORT, 'keys are never replaced'); END;

CREATE TRIGGER checkout_stays_complete BEFORE UPDATE ON checkout
WHEN OLD.state = 'complete' AND NEW.state <> 'complete'
BEGIN SELECT RAISE(ABORT, 'a complete checkout stays complete'); END;

CREATE TRIGGER payment_stays_final BEFORE UPDATE ON payment
WHEN NEW.network <> OLD.network OR NEW.tx <> OLD.tx OR NEW.tx_position <> OLD.tx_position OR NEW.amount <> OLD.amount
  OR (OLD.finalized = 1 AND NEW.finalized = 0)
BEGIN SELECT RAISE(ABORT, 'what was observed is never changed'); END;
CREATE TRIGGER payment_kept_delete BEFORE DELETE ON payment
BEGIN SELECT RAISE(ABORT, 'payments are never deleted'); END;
