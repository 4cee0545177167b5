-- The last row that a close writes: an hour is closed when its row is here.
CREATE TABLE IF NOT EXISTS closings
(
    hour DateTime('UTC'),
    proof String CODEC(ZSTD(3)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY hour
