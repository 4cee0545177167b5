-- Bearer tokens, by the SHA-256 of their text. An empty account means all accounts.
CREATE TABLE IF NOT EXISTS tokens
(
    hash String,
    name String,
    role String,
    account String,
    created_at DateTime64(3, 'UTC'),
    expires_at Nullable(DateTime64(3, 'UTC')),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY hash
