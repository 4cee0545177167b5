-- Who may write on behalf of a partition: the greatest (counter, nonce). Never deleted.
CREATE TABLE IF NOT EXISTS claims
(
    source String,
    part UInt32,
    counter UInt64,
    nonce UInt64,
    owner String,
    claimed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (source, part, counter, nonce)
