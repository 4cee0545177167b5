//! The program. Everything is in the library, so that tests can run the same program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate::main()
}
