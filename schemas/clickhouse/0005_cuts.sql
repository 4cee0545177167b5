-- What belongs to an hour, frozen: one row per hour, `cut` is canonical JSON.
CREATE TABLE IF NOT EXISTS cuts
(
    hour DateTime('UTC'),
    cut String CODEC(ZSTD(3)),
    hash String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY hour
