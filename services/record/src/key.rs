//! The keys of the JSON form.
