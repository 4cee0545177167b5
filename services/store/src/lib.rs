//! The connection to ClickHouse: migrations, claims, the fenced insert
