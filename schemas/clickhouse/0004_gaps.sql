-- Jumps in the `seq` of a stream, first to last missing number, as they were seen.
CREATE TABLE IF NOT EXISTS gaps
(
    source String,
    part UInt32,
    gateway String,
    epoch UInt64,
    worker UInt16,
    first UInt64,
    last UInt64,
    seen_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (gateway, epoch, worker, first, last)
