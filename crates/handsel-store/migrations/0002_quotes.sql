-- Quotes as they were given, and when the locks of open checkouts end.

CREATE TABLE quote (
  id {text} PRIMARY KEY,
  account {text} NOT NULL REFERENCES account (id),
  created {int} NOT NULL,
  expires_at {int} NOT NULL,
  mac {blob} NOT NULL,
  rest {text} NOT NULL
){strict};

CREATE TABLE lock_end (
  checkout {text} PRIMARY KEY,
  until_at {int} NOT NULL
){keyed};
CREATE INDEX lock_end_due ON lock_end (until_at, checkout);
