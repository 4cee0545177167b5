-- One row per log record. Never altered, never deleted before its retention.
--
-- Why this layout: measured by `cargo run --release -p bench -- layout` (tests/bench/RESULTS.md),
-- at 70 records a minute and at 50,000 a minute. Figures are ratios to this order and these indexes
-- with granules of 8192; those about granules are ratios to 2048, and were measured apart.
-- - The hour first, then the account: the sums of an hour are read in one piece (with the account
--   first 1.3 to 2.0), and an account still finds its newest quickly. Ten minutes instead of the
--   hour gains nothing for an id (0.98 to 1.2) and costs a busy account's search (up to 1.3).
--   The account first finds the newest of a small account in half the time; that is its one gain.
--   Time alone makes a small account's search 5 times slower and rows a quarter larger.
-- - Bloom filters on the ids: without them an id costs 4 to 5, an id that is not there 12 to 18,
--   once hours are busy. They are 2 of 62 bytes a row. A projection of offsets by id is no quicker
--   and makes rows 1.4 times as large.
-- - A projection of offsets by account: no gain that stands out of the noise.
-- - Granules of 2048 rows; a compressed block ends with the granule once it holds 8 KiB (0018). With
--   granules of 8192 and blocks of 64 KiB an id costs 1.2 to 1.3, the newest of an account 1.1 to 1.3,
--   the newest hundred that a rare filter lets through 1.4, and rows are 0.97 to 1.02 times as large.
--   Granules of 1024 are no quicker, and larger.
-- - One file a part: a cold lookup in 0.6 of the time, rows up to 1.2 times as large, the sums of
--   a busy hour 1.4. Small parts are so anyway, by ClickHouse's own default.
-- - Ranges of `seq` and `stored_at` per granule cost no measurable byte; some numbers of a stream
--   are found in a fifth of the time without a word about their time, and what came late is found
--   by when it was stored.
-- The key is `toStartOfHour(time)` and not `hour`, so that bounds of `time` alone use it: give
-- them in every query, and `hour` besides where rows are grouped.
CREATE TABLE IF NOT EXISTS records
(
    req_id String CODEC(ZSTD(1)),
    client_req_id String CODEC(ZSTD(1)),
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
    gateway LowCardinality(String),
    epoch UInt64 CODEC(ZSTD(1)),
    worker UInt16 CODEC(ZSTD(1)),
    seq UInt64 CODEC(Delta, ZSTD(1)),
    part LowCardinality(String),
    life String CODEC(ZSTD(1)),
    account LowCardinality(String),
    caller LowCardinality(String),
    service_id LowCardinality(String),
    api_id LowCardinality(String),
    env LowCardinality(String),
    region LowCardinality(String),
    instance LowCardinality(String),
    instance_type LowCardinality(String),
    net LowCardinality(String),
    scheme LowCardinality(String),
    method LowCardinality(String),
    host LowCardinality(String),
    uri String CODEC(ZSTD(1)),
    query String CODEC(ZSTD(1)),
    proto LowCardinality(String),
    rsp_st UInt16 CODEC(ZSTD(1)),
    ups_st LowCardinality(String),
    ip String CODEC(ZSTD(1)),
    upip LowCardinality(String),
    vip LowCardinality(String),
    req_len UInt64 CODEC(ZSTD(1)),
    rsp_len UInt64 CODEC(ZSTD(1)),
    ups_req_len UInt64 CODEC(ZSTD(1)),
    ups_rsp_len UInt64 CODEC(ZSTD(1)),
    ups_net LowCardinality(String),
    req_t UInt32 CODEC(ZSTD(1)),
    ups_rsp_t Nullable(UInt32) CODEC(ZSTD(1)),
    ups_conn_t Nullable(UInt32) CODEC(ZSTD(1)),
    ups_head_t Nullable(UInt32) CODEC(ZSTD(1)),
    tcp_rtt Nullable(UInt32) CODEC(ZSTD(1)),
    err_msg LowCardinality(String),
    fault LowCardinality(String),
    phase LowCardinality(String),
    secret_id LowCardinality(String),
    app_code LowCardinality(String),
    plan_id LowCardinality(String),
    order_id LowCardinality(String),
    goods_id LowCardinality(String),
    user_agent LowCardinality(String),
    referer String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    billable Bool,
    reason LowCardinality(String),
    rule UInt16,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    INDEX req_id_bloom req_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX client_req_id_bloom client_req_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX seq_range seq TYPE minmax GRANULARITY 1,
    INDEX stored_at_range stored_at TYPE minmax GRANULARITY 16
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY (toStartOfHour(time), account, time)
SETTINGS index_granularity = 2048
