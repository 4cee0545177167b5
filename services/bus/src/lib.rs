//! Sources of records, and the way from the spool
