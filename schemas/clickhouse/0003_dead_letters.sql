-- Messages that could not become a row of `records`. `seq` is null when not even the place is known.
CREATE TABLE IF NOT EXISTS dead_letters
(
    source String,
    part UInt32,
    position String,
    gateway String,
    epoch UInt64,
    worker UInt16,
    seq Nullable(UInt64),
    reason String,
    bytes String CODEC(ZSTD(1)),
    hash UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (gateway, epoch, worker, source, part, position)
