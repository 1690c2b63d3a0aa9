-- What served before this step.
INSERT INTO wallet_watch (account, address) SELECT account, decode(rest::json ->> 'address', 'hex') FROM wallet
WHERE state IN ('active', 'retiring') OR (state = 'retired' AND rest::json ->> 'proved_at' IS NOT NULL)
GROUP BY account, rest::json ->> 'address';
