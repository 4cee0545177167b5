//! The product as tests run it: see [`tests::under_test`].

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::under_test::main()
}
