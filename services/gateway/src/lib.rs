//! The proxy
