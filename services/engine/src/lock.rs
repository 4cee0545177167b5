//! One data folder, one holder.
