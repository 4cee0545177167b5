//! Money, price books, tiers, rounding, rating
