-- What a person decided about held use. The next hour that closes takes it up; its cut names the
-- decision, so that each takes effect once.
CREATE TABLE IF NOT EXISTS releases
(
    id String,
    cut DateTime('UTC'),
    hour DateTime('UTC'),
    account String,
    how String,
    decided_by String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (cut, hour, account, id)
