-- One text for both engines. Tokens: {int} {text} {blob} column types; {mark} an ever-growing key; {strict} after a table;
-- {keyed} after a table that is nothing but its key. Times are Unix milliseconds, ids their public text, amounts 16 bytes.
-- `rest` is opaque JSON that only the store reads.

CREATE TABLE account (
  id {text} PRIMARY KEY,
  created {int} NOT NULL,
  version {int} NOT NULL,
  status {text} NOT NULL CHECK (status IN ('active', 'suspended')),
  name {text} NOT NULL,
  email {text} NOT NULL,
  data_key {blob} NOT NULL,
  rest {text} NOT NULL
){strict};

CREATE TABLE api_key (
  id {text} PRIMARY KEY,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  version {int} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('active', 'expiring', 'revoked')),
  state_at {int},
  public_id {text} NOT NULL UNIQUE,
  verifier {text} NOT NULL,
  used_at {int},
  used_ip {text},
  rest {text} NOT NULL
){strict};
CREATE INDEX api_key_list ON api_key (account, created, id);

CREATE TABLE wallet (
  id {text} PRIMARY KEY,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  version {int} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('pending_proof', 'active', 'retiring', 'retired')),
  state_at {int},
  xpub {blob},
  mac {blob} NOT NULL,
  rest {text} NOT NULL,
  next_index {int} NOT NULL DEFAULT 1
){strict};
CREATE INDEX wallet_list ON wallet (account, created, id);
-- Of whatever account: who derives addresses from an xpub.
CREATE INDEX wallet_deriving ON wallet (created, id) WHERE xpub IS NOT NULL;

CREATE TABLE checkout (
  id {text} PRIMARY KEY,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  version {int} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('open', 'processing', 'complete', 'expired', 'canceled')),
  state_at {int},
  expires_at {int} NOT NULL,
  closes_at {int} NOT NULL,
  private {blob} NOT NULL,
  lookups {blob} NOT NULL,
  rest {text} NOT NULL
){strict};
CREATE INDEX checkout_list ON checkout (account, created, id);
CREATE INDEX checkout_closing ON checkout (closes_at) WHERE state IN ('open', 'processing');

CREATE TABLE checkout_lookup (
  account {text} NOT NULL,
  hash {blob} NOT NULL,
  created {int} NOT NULL,
  id {text} NOT NULL,
  PRIMARY KEY (account, hash, created, id)
){keyed};

CREATE TABLE watch (
  mark {mark},
  account {text} NOT NULL,
  checkout {text} NOT NULL,
  option_index {int} NOT NULL,
  network {text} NOT NULL,
  token {blob} NOT NULL,
  address {blob} NOT NULL,
  payable {blob} NOT NULL,
  unique_amount {int} NOT NULL,
  created {int} NOT NULL
){strict};
CREATE INDEX watch_after ON watch (network, mark);

CREATE TABLE amount_lease (
  network {text} NOT NULL,
  token {blob} NOT NULL,
  address {blob} NOT NULL,
  amount {blob} NOT NULL,
  checkout {text} NOT NULL,
  until_at {int} NOT NULL,
  PRIMARY KEY (network, token, address, amount)
){keyed};

CREATE TABLE payment (
  id {text} PRIMARY KEY,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  version {int} NOT NULL,
  state {text} NOT NULL CHECK (state IN ('detected', 'confirming', 'succeeded', 'rejected', 'reversed', 'failed')),
  state_at {int},
  finalized {int} NOT NULL CHECK (finalized IN (0, 1)),
  unfinal {int} NOT NULL CHECK (unfinal IN (0, 1)),
  checkout {text},
  network {text} NOT NULL,
  tx {blob} NOT NULL,
  tx_position {int} NOT NULL,
  amount {blob} NOT NULL,
  rest {text} NOT NULL
){strict};
CREATE INDEX payment_list ON payment (account, created, id);
CREATE INDEX payment_of_checkout ON payment (checkout, created, id);
CREATE INDEX payment_unfinal ON payment (network, created, id) WHERE unfinal = 1;

CREATE TABLE webhook (
  id {text} PRIMARY KEY,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  version {int} NOT NULL,
  status {text} NOT NULL CHECK (status IN ('enabled', 'disabled', 'failing')),
  ordered {int} NOT NULL CHECK (ordered IN (0, 1)),
  host {text} NOT NULL,
  url {blob} NOT NULL,
  rest {text} NOT NULL
){strict};
CREATE INDEX webhook_list ON webhook (account, created, id);

-- What an enabled or failing webhook wants; a disabled one has no rows here.
CREATE TABLE webhook_pattern (
  account {text} NOT NULL,
  pattern {text} NOT NULL,
  webhook {text} NOT NULL,
  PRIMARY KEY (account, pattern, webhook)
){keyed};
CREATE INDEX webhook_pattern_of ON webhook_pattern (webhook);

CREATE TABLE event (
  mark {mark},
  id {text} NOT NULL UNIQUE,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  kind {text} NOT NULL,
  object {text} NOT NULL,
  object_version {int} NOT NULL,
  request {text},
  only_to {text},
  body {blob} NOT NULL,
  sequence {int}
){strict};
CREATE UNIQUE INDEX event_sequence ON event (account, sequence);
CREATE INDEX event_list ON event (account, created, mark);
CREATE INDEX event_of_object ON event (object, mark);
CREATE INDEX event_waiting ON event (mark) WHERE sequence IS NULL;

-- `wake` is when a pending delivery may be claimed: its due time, or the end of its lease.
CREATE TABLE delivery (
  id {text} PRIMARY KEY,
  account {text} NOT NULL,
  webhook {text} NOT NULL,
  event {text} NOT NULL REFERENCES event (id),
  object {text} NOT NULL,
  created {int} NOT NULL,
  version {int} NOT NULL,
  endpoint_sequence {int} NOT NULL,
  previous_event {text},
  state {text} NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed', 'canceled')),
  state_at {int} NOT NULL,
  tries {int} NOT NULL,
  wake {int} NOT NULL
){strict};
CREATE INDEX delivery_list ON delivery (account, created, id);
CREATE INDEX delivery_of_webhook ON delivery (webhook, created, id);
CREATE UNIQUE INDEX delivery_sequence ON delivery (webhook, endpoint_sequence) WHERE endpoint_sequence > 0;
CREATE INDEX delivery_wake ON delivery (wake) WHERE state = 'pending';
CREATE INDEX delivery_lane ON delivery (webhook, object, endpoint_sequence) WHERE state = 'pending';
CREATE INDEX delivery_waiting ON delivery (event) WHERE endpoint_sequence = 0;

CREATE TABLE attempt (
  delivery {text} NOT NULL REFERENCES delivery (id),
  number {int} NOT NULL,
  made_at {int} NOT NULL,
  body {blob} NOT NULL,
  rest {text} NOT NULL,
  PRIMARY KEY (delivery, number)
){strict};

CREATE TABLE audit (
  mark {mark},
  id {text} NOT NULL UNIQUE,
  account {text},
  created {int} NOT NULL,
  bytes {blob} NOT NULL,
  hash {blob} NOT NULL,
  leaf_index {int} UNIQUE
){strict};
CREATE INDEX audit_list ON audit (account, created, mark);
CREATE INDEX audit_waiting ON audit (mark) WHERE leaf_index IS NULL;

-- Roots of complete subtrees, from level 1 up; level 0 is audit.hash.
CREATE TABLE audit_node (
  level {int} NOT NULL,
  node_index {int} NOT NULL,
  hash {blob} NOT NULL,
  PRIMARY KEY (level, node_index)
){keyed};

CREATE TABLE request_log (
  id {text} PRIMARY KEY,
  account {text} NOT NULL,
  created {int} NOT NULL,
  rest {text} NOT NULL
){strict};
CREATE INDEX request_log_list ON request_log (account, created, id);
CREATE INDEX request_log_age ON request_log (created);

CREATE TABLE idempotent (
  account {text} NOT NULL,
  route {text} NOT NULL,
  key_hash {blob} NOT NULL,
  fingerprint {blob} NOT NULL,
  status {int} NOT NULL,
  answer {blob} NOT NULL,
  created {int} NOT NULL,
  PRIMARY KEY (account, route, key_hash)
){strict};
CREATE INDEX idempotent_age ON idempotent (created);

CREATE TABLE chain_cursor (
  network {text} PRIMARY KEY,
  number {int} NOT NULL,
  hash {blob} NOT NULL,
  parent {blob} NOT NULL,
  time_seconds {int} NOT NULL,
  finalized {int} NOT NULL,
  halted {int} NOT NULL CHECK (halted IN (0, 1)),
  moved_at {int} NOT NULL
){strict};

CREATE TABLE chain_block (
  network {text} NOT NULL,
  hash {blob} NOT NULL,
  number {int} NOT NULL,
  parent {blob} NOT NULL,
  time_seconds {int} NOT NULL,
  canonical {int} NOT NULL CHECK (canonical IN (0, 1)),
  PRIMARY KEY (network, hash)
){strict};
CREATE INDEX chain_block_height ON chain_block (network, number);
