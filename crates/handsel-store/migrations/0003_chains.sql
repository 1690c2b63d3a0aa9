-- Addresses of wallets that are watched whether a checkout waits there or not, what tokens state of themselves, how networks
-- stand, and checkouts that can be ended.

CREATE TABLE wallet_watch (
  mark {mark},
  account {text} NOT NULL,
  address {blob} NOT NULL
){strict};
CREATE UNIQUE INDEX wallet_watch_once ON wallet_watch (account, address);

CREATE TABLE token_check (
  network {text} NOT NULL,
  chain_id {int} NOT NULL,
  token {blob} NOT NULL,
  decimals {int} NOT NULL,
  checked_at {int} NOT NULL,
  PRIMARY KEY (network, chain_id, token)
){keyed};

CREATE TABLE network_state (
  network {text} PRIMARY KEY,
  version {int} NOT NULL,
  reason {text},
  since_at {int} NOT NULL,
  told {text} NOT NULL
){strict};

CREATE INDEX checkout_ending ON checkout (closes_at, id) WHERE state = 'open';
DROP INDEX checkout_closing;
