//! `docs/benchmarks.md`: each part owns one section between two comments, and replaces it.
//!
//! What stands outside of sections was written by hand and stays as it is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::report::{Report, markdown};

/// Where the results stand.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks.md")
}

/// Puts the report into the section of its part.
///
/// # Errors
/// The file can not be read or written, or one of the two comments of the section is missing.
pub(crate) fn write(path: &Path, report: &Report, machine: &str, command: &str) -> Result<()> {
    let old = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "# Benchmarks\n".to_owned(),
        read => read.with_context(|| format!("failed to read {}", path.display()))?,
    };
    let mut section = format!("`{command}`, {machine}\n");
    if !report.versions.is_empty() {
        section.push_str(&format!("With {}.\n", report.versions.join(", ")));
    }
    section.push_str(&format!("\n{}", markdown(report)));
    let new = replaced(&old, report.part, &section)?;
    fs::write(path, new).with_context(|| format!("failed to write {}", path.display()))
}

/// The text with the part's section anew; at the end when it has none.
fn replaced(text: &str, part: &str, section: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- bench {part} -->\n"), format!("<!-- end {part} -->\n"));
    let section = format!("{begin}{}\n{end}", section.trim_end());
    let Some((before, rest)) = text.split_once(&begin) else {
        ensure!(!text.contains(&end), "the section `{part}` ends, but does not begin");
        return Ok(format!("{}\n\n## {part}\n\n{section}", text.trim_end()));
    };
    let (_, after) =
        rest.split_once(&end).with_context(|| format!("the section `{part}` has no end"))?;
    Ok(format!("{before}{section}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_rest_stays() {
        let first = replaced("# Title\n\nBy hand.\n", "spool", "one\n").expect("a text");
        let more = first.clone() + "\nAlso by hand.\n";
        let both = replaced(&more, "disk", "two").expect("a text");
        let again = replaced(&both, "spool", "three\n").expect("a text");
        assert_eq!(
            again,
            "# Title\n\nBy hand.\n\n## spool\n\n<!-- bench spool -->\nthree\n<!-- end spool -->\n\n\
             Also by hand.\n\n## disk\n\n<!-- bench disk -->\ntwo\n<!-- end disk -->\n"
        );
    }

    #[test]
    fn half_a_section_is_refused() {
        for half in ["<!-- bench spool -->\n", "<!-- end spool -->\n"] {
            assert!(replaced(half, "spool", "new").is_err(), "{half}");
        }
    }
}
