//! The command: one binary, one configuration file
