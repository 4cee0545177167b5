//! Hours closed, bills out.

mod assess;
mod due;
mod seen;
