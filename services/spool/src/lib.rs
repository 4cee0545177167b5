//! The durable segment log
