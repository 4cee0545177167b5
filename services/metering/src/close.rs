//! Hours closed, bills out.

pub(crate) mod assess;
pub(crate) mod due;
pub(crate) mod seen;
