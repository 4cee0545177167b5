-- Reading one record costs at least one compressed block of each of its 55 columns. Measured in turns
-- of 60 ids, with granules of 2048 (0001):
-- - A block ends with the granule once it holds 8 KiB, not only at 64 KiB: 0.8 of the time, rows 0.98
--   times as large.
-- - No statistics of columns: 0.92. They help to order the conditions of a query, and ours are few;
--   who inserts and merges is spared making them.
-- - Texts with their lengths before them, and not in a file of their own: 0.96, rows 0.995.
-- Parts from before change when they are merged. A table that was made with granules of 8192 keeps
-- them, since that can not be altered; lookups in it still take a tenth less.
ALTER TABLE records MODIFY SETTING
    min_compress_block_size = 8192,
    auto_statistics_types = '',
    string_serialization_version = 'single_stream'
