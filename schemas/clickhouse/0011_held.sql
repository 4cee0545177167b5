-- Use that could not be rated: `at` is the hour whose closing held it back, `cut` the hour whose cut
-- froze it, `hour` the hour of the use. Held again after a release, it has a further row.
CREATE TABLE IF NOT EXISTS held
(
    at DateTime('UTC'),
    cut DateTime('UTC'),
    hour DateTime('UTC'),
    account String,
    reason String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (at, cut, hour, account)
