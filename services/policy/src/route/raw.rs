//! What a raw path must not have. Paths are compared and forwarded as received; what could mean
//! another path to the next reader is refused, not repaired.

/// True when a segment is `.` or `..` for any reader: plain or encoded, between slashes,
/// backslashes or encoded ones, and also with `;` behind the dots, which some servers cut off
/// before they resolve the path.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    // Nearly every path has no dot at all.
    path.bytes().any(|byte| matches!(byte, b'.' | b'%')) && bytes_have_dot_segment(path.bytes())
}

/// The same for the bytes of a path that lies in several pieces.
pub(super) fn bytes_have_dot_segment(mut bytes: impl Iterator<Item = u8> + Clone) -> bool {
    // How many dots the segment has so far, while it has nothing else.
    let mut dots = Some(0_usize);
    while let Some(first) = bytes.next() {
        let byte = match (first, decoded(&bytes)) {
            (b'%', Some(byte @ (b'.' | b'/' | b'\\'))) => {
                bytes.next();
                bytes.next();
                byte
            }
            _ => first,
        };
        match byte {
            b'.' => dots = dots.map(|dots| dots + 1),
            b'/' | b'\\' | b';' if matches!(dots, Some(1 | 2)) => return true,
            b'/' | b'\\' => dots = Some(0),
            _ => dots = None,
        }
    }
    matches!(dots, Some(1 | 2))
}

/// The byte that the next two digits mean.
fn decoded(bytes: &(impl Iterator<Item = u8> + Clone)) -> Option<u8> {
    let mut bytes = bytes.clone();
    Some(hex(bytes.next()?)? << 4 | hex(bytes.next()?)?)
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// True when a percent sign has not two hexadecimal digits behind it.
pub(crate) fn has_bad_percent(path: &str) -> bool {
    let mut rest = path.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        match &rest[at + 1..] {
            [high, low, more @ ..] if hex(*high).is_some() && hex(*low).is_some() => rest = more,
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_seen_in_every_disguise() {
        let bad = [
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "..",
            ".",
            "/%2e",
            "/%2E%2e/b",
            "/.%2e/",
            "/a%2f..%2fb",
            "/a%2F.",
            "/a\\..\\b",
            "/a%5c..",
            "/..;/b",
            "/..;x=1/b",
            "/.;",
        ];
        for path in bad {
            assert!(has_dot_segment(path), "{path}");
        }
        let good = [
            "",
            "/",
            "/a",
            "/...",
            "/.a",
            "/a.",
            "/a..",
            "/..a/b",
            "/a/.well-known",
            "/%2e%2e%2e",
            "/%252e%252e/",
            "/%2",
            "/%",
            "/a;.",
            "/a;../b",
            "/%2ea",
            "*",
        ];
        for path in good {
            assert!(!has_dot_segment(path), "{path}");
        }
    }

    #[test]
    fn a_percent_sign_has_two_digits() {
        for bad in ["%", "/%", "/a%2", "/%zz", "/%4g/", "/%%41", "/%41%", "/% 41", "/%u0041"] {
            assert!(has_bad_percent(bad), "{bad}");
        }
        for good in ["", "/", "/%41", "/%2f%2F%fF", "/a%00b", "/%25zz"] {
            assert!(!has_bad_percent(good), "{good}");
        }
    }
}
