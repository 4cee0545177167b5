//! Records in, hours closed, bills out
