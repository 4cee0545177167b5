//! The crate's own text: clippy sees float arithmetic, but not a conversion from a float.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn no_source_names_a_binary_float() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 10, "the sources are where they are looked for");
    for file in files {
        let text = fs::read_to_string(&file).expect("a source is readable");
        for float in ["f32", "f64"] {
            assert!(!text.contains(float), "{} names {float}", file.display());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
