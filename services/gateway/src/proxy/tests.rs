use proptest::prelude::*;

use super::*;

fn ends(source: &str, destination: &str) -> Option<Ends> {
    let parse = |text: &str| text.parse().expect("an address with a port");
    Some(Ends { source: parse(source), destination: parse(destination) })
}

/// A header of version 2 with these bytes after its signature.
fn v2(command: u8, family: u8, length: u16, rest: &[u8]) -> Vec<u8> {
    [&V2[..], &[command, family], &length.to_be_bytes(), rest].concat()
}

/// From 1.2.3.4:4660 to 5.6.7.8:443.
const FOUR: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 0x12, 0x34, 1, 187];

#[test]
fn good_headers_say_who_speaks_and_end_where_they_say() {
    let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1], &[0; 15], &[1], &[0, 80, 1, 187]];
    let long = [&FOUR[..], &[4, 0, 1, 0]].concat();
    for (header, expected) in [
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 4660 443\r\n".to_vec(), ends("1.2.3.4:4660", "5.6.7.8:443")),
        (b"PROXY TCP6 2001:db8::1 ::1 80 443\r\n".to_vec(), ends("[2001:db8::1]:80", "[::1]:443")),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n".to_vec(), ends("1.2.3.4:0", "5.6.7.8:65535")),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (b"PROXY UNKNOWN what ever \xc3\xa4 follows\r\n".to_vec(), None),
        (v2(0x21, 0x11, 12, &FOUR), ends("1.2.3.4:4660", "5.6.7.8:443")),
        (v2(0x21, 0x11, 16, &long), ends("1.2.3.4:4660", "5.6.7.8:443")),
        (v2(0x21, 0x21, 36, &six.concat()), ends("[2001:db8::1]:80", "[::1]:443")),
        (v2(0x20, 0x00, 0, &[]), None),
        (v2(0x20, 0x11, 12, &FOUR), None),
        (v2(0x21, 0x00, 3, &[1, 2, 3]), None),
        (v2(0x21, 0x31, 216, &[b'/'; 216]), None),
    ] {
        let whole = Preface::Whole { bytes: header.len(), ends: expected };
        let behind = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!((read(&header), read(&behind)), (whole, whole), "{header:?}");
        for cut in 0..header.len() {
            assert_eq!(read(&header[..cut]), Preface::Partial, "{header:?} cut at {cut}");
        }
    }
}

#[test]
fn bad_headers_are_none() {
    let long = format!("PROXY UNKNOWN {}", "x".repeat(V1_MAX - 14));
    for header in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"PROXY\r\n".to_vec(),
        b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n".to_vec(),
        b"PROXY TCP4 ::1 ::1 1 2\r\n".to_vec(),
        b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
        b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
        long.into_bytes(),
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_vec(),
        v2(0x11, 0x11, 12, &FOUR),
        v2(0x22, 0x11, 12, &FOUR),
        v2(0x21, 0x12, 12, &FOUR),
        v2(0x21, 0x11, 11, &FOUR),
        v2(0x21, 0x21, 12, &FOUR),
        v2(0x20, 0x00, 4081, &[0; 4081]),
    ] {
        assert_eq!(read(&header), Preface::Bad, "{:?}", String::from_utf8_lossy(&header));
    }
}

proptest! {
    /// Whatever comes, it is read without a panic, and ends within what was given and the bound.
    #[test]
    fn nothing_reads_past_its_end(start in 0_usize..3, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let start: &[u8] = [&b""[..], V1, V2][start];
        let bytes = [start, &bytes[..]].concat();
        match read(&bytes) {
            Preface::Whole { bytes: end, .. } => prop_assert!(end <= bytes.len().min(V2_MAX)),
            Preface::Partial => prop_assert!(bytes.len() < V2_MAX),
            Preface::Bad => {}
        }
    }
}
