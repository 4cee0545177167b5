//! Texts within the quotes of a JSON string.
//!
//! Most texts need no escape, so eight bytes at a time are asked whether one is among them,
//! and runs between escapes are copied whole.

/// What a byte becomes in a JSON string: 0 itself, `u` the six bytes `\u00XX`, else `\` and
/// this letter.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20_usize {
        table[byte] = b'u';
        byte = byte.wrapping_add(1);
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The same byte eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Appends a text with what JSON demands escaped.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (plain, escaped) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = escaped.split_first() else { return };
        match ESCAPES[usize::from(byte)] {
            b'u' => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 0xf)]);
            }
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = after;
    }
}

/// How many bytes a text takes between the quotes.
pub(crate) fn escaped_len(text: &str) -> usize {
    let len_of = |byte: u8| match ESCAPES[usize::from(byte)] {
        0 => 1_usize,
        b'u' => 6,
        _ => 2,
    };
    text.bytes().map(len_of).fold(0, usize::saturating_add)
}

/// How many bytes at the start of a text need no escape.
fn plain_len(text: &[u8]) -> usize {
    let (eights, _) = text.as_chunks::<8>();
    let clean =
        eights.iter().take_while(|eight| !needs_escape(u64::from_ne_bytes(**eight))).count();
    let start = clean.saturating_mul(8);
    let rest = text.get(start..).unwrap_or_default();
    let more = rest.iter().position(|&byte| ESCAPES[usize::from(byte)] != 0);
    start.saturating_add(more.unwrap_or(rest.len()))
}

/// One of eight bytes is a quote, a backslash or below a space.
///
/// A byte is below `n` when subtracting `n` sets its highest bit and it had none before; it is
/// the one looked for when it is below 1 after an exclusive or. A borrow can only make a byte
/// look so when the one below it is so already.
const fn needs_escape(bytes: u64) -> bool {
    let quote = bytes ^ eight(b'"');
    let backslash = bytes ^ eight(b'\\');
    let found = below(bytes, 0x20) | below(quote, 1) | below(backslash, 1);
    found & eight(0x80) != 0
}

const fn below(bytes: u64, bound: u8) -> u64 {
    bytes.wrapping_sub(eight(bound)) & !bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escape, escaped_len, plain_len};

    #[test]
    fn every_byte_at_every_place_is_seen() {
        for byte in 0..=u8::MAX {
            for place in 0..17 {
                let mut text = [b'a'; 17];
                text[place] = byte;
                let escaped = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(plain_len(&text), if escaped { place } else { 17 }, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn serde_json_reads_it_back(text in "[\\x00-\\x22\\\\\\x7f-\\x{100}a😀]{0,40}") {
            let mut out = vec![b'"'];
            escape(text.as_bytes(), &mut out);
            prop_assert_eq!(out.len(), escaped_len(&text).saturating_add(1));
            out.push(b'"');
            let back: String = serde_json::from_slice(&out).expect("JSON");
            prop_assert_eq!(back, text);
        }
    }
}
