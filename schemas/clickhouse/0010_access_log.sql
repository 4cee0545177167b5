-- Requests made with tokens for all accounts, written by query before they are answered; one whose
-- client leaves earlier stands here too. `account` is empty.
CREATE TABLE IF NOT EXISTS access_log
(
    at DateTime64(3, 'UTC'),
    token_name String,
    role String,
    account String,
    what String CODEC(ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY at
