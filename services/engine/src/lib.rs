//! The embedded ClickHouse: fetch, start, lock, watch
