-- What is written once stays, whoever holds the server's role. The role that owns the tables should be another one.

CREATE FUNCTION handsel_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'HS001'; END $$;

CREATE TRIGGER audit_kept_update BEFORE UPDATE ON audit FOR EACH ROW
WHEN (NOT (OLD.leaf_index IS NULL AND NEW.leaf_index IS NOT NULL AND NEW.mark = OLD.mark AND NEW.id = OLD.id
  AND NEW.account IS NOT DISTINCT FROM OLD.account AND NEW.created = OLD.created AND NEW.bytes = OLD.bytes
  AND NEW.hash = OLD.hash))
EXECUTE FUNCTION handsel_refuse('audit entries are never changed');
CREATE TRIGGER audit_kept_delete BEFORE DELETE OR TRUNCATE ON audit FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('audit entries are never deleted');

CREATE TRIGGER audit_node_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_node FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('audit nodes are never changed');

CREATE TRIGGER event_kept_update BEFORE UPDATE ON event FOR EACH ROW
WHEN (NOT (OLD.sequence IS NULL AND NEW.sequence IS NOT NULL AND NEW.mark = OLD.mark AND NEW.id = OLD.id
  AND NEW.account = OLD.account AND NEW.created = OLD.created AND NEW.kind = OLD.kind AND NEW.object = OLD.object
  AND NEW.object_version = OLD.object_version AND NEW.request IS NOT DISTINCT FROM OLD.request
  AND NEW.only_to IS NOT DISTINCT FROM OLD.only_to AND NEW.body = OLD.body))
EXECUTE FUNCTION handsel_refuse('events are never changed');
CREATE TRIGGER event_kept_delete BEFORE DELETE OR TRUNCATE ON event FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('events are never deleted');

CREATE TRIGGER attempt_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON attempt FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('attempts are never changed');

CREATE TRIGGER api_key_stays_revoked BEFORE UPDATE ON api_key FOR EACH ROW
WHEN (OLD.state = 'revoked' AND NEW.state <> 'revoked')
EXECUTE FUNCTION handsel_refuse('a revoked key stays revoked');
CREATE TRIGGER api_key_kept_delete BEFORE DELETE OR TRUNCATE ON api_key FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('keys are revoked, never deleted');

CREATE TRIGGER checkout_stays_complete BEFORE UPDATE ON checkout FOR EACH ROW
WHEN (OLD.state = 'complete' AND NEW.state <> 'complete')
EXECUTE FUNCTION handsel_refuse('a complete checkout stays complete');

CREATE TRIGGER payment_stays_final BEFORE UPDATE ON payment FOR EACH ROW
WHEN (NEW.network <> OLD.network OR NEW.tx <> OLD.tx OR NEW.tx_position <> OLD.tx_position OR NEW.amount <> OLD.amount
  OR (OLD.finalized = 1 AND NEW.finalized = 0))
EXECUTE FUNCTION handsel_refuse('what was observed is never changed');
CREATE TRIGGER payment_kept_delete BEFORE DELETE OR TRUNCATE ON payment FOR EACH STATEMENT
EXECUTE FUNCTION handsel_refuse('payments are never deleted');
