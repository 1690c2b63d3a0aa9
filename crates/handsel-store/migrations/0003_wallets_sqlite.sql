-- What served before this step.
INSERT INTO wallet_watch (account, address) SELECT account, unhex(json_extract(rest, '$.address')) FROM wallet
WHERE state IN ('active', 'retiring') OR (state = 'retired' AND json_extract(rest, '$.proved_at') IS NOT NULL)
GROUP BY account, json_extract(rest, '$.address');
