//! Each target over its committed corpus.

use std::fs;
use std::path::Path;

use super::*;

/// libFuzzer names what it finds by a hash of 40 digits; that is not committed.
const FOUND: usize = 40;

#[test]
fn what_must_hold_holds_of_the_corpus() {
    for Target { name, run } in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let (mut taken, mut refused) = (0, 0);
        for file in files {
            let file = file.expect("a file of the corpus");
            if file.file_name().len() == FOUND {
                continue;
            }
            let bytes = fs::read(file.path()).expect("a file that can be read");
            println!("{name}: {} …", file.file_name().display());
            let is_taken = run(&bytes);
            println!("{}", if is_taken { "taken" } else { "refused" });
            *(if is_taken { &mut taken } else { &mut refused }) += 1;
        }
        assert!(taken > 0 && refused > 0, "{name}: of the corpus {taken} taken, {refused} refused");
    }
}
