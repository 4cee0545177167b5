//! Asks the engine whether it answers.
