-- What a server's role may do, and no more: it owns nothing, and what is written once it can't rewrite.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
GRANT INSERT ON account, api_key, wallet, checkout, checkout_lookup, watch, amount_lease, payment, quote, lock_end, webhook, webhook_pattern,
  event, delivery, attempt, audit, audit_node, request_log, idempotent, chain_cursor, chain_block, wallet_watch, token_check, network_state, meta TO {role};
GRANT UPDATE ON account, api_key, wallet, checkout, amount_lease, payment, lock_end, webhook, delivery, chain_cursor, chain_block,
  token_check, network_state TO {role};
GRANT UPDATE (sequence) ON event TO {role};
GRANT UPDATE (leaf_index) ON audit TO {role};
GRANT DELETE ON checkout_lookup, lock_end, webhook, webhook_pattern, request_log, idempotent, chain_block TO {role};
