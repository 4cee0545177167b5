//! The log record, its request id, its verdict, its forms
