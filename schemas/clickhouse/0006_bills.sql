-- One row per hour and account; the lines are inside `bill`, canonical JSON.
CREATE TABLE IF NOT EXISTS bills
(
    hour DateTime('UTC'),
    account String,
    bill String CODEC(ZSTD(3)),
    use_after String CODEC(ZSTD(3)),
    total Decimal(38, 8),
    currency String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (hour, account)
