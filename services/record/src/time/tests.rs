//! Times against dates known from elsewhere.
