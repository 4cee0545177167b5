-- The price books that bills were made with, so that an old hour can be rated again.
CREATE TABLE IF NOT EXISTS price_books
(
    sha256 String,
    id String,
    text String CODEC(ZSTD(3)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY sha256
