//! Keeps secrets of query strings out of records.
//!
//! A value is hidden when its key names a secret, however the key is written: any case, with
//! `-` or `_` or neither, percent-encoded, as `user[password]`, or after `;` instead of `&`.
//! A value that is itself a query or an address with a secret in it is hidden whole.
//! When in doubt it is hidden: a lost search word is a smaller harm than a leaked token.

use std::borrow::Cow;

/// Stands in the place of a secret.
const MASK: &str = "REDACTED";

/// A key that holds one of these names a secret. Written as [`folded`] makes keys: lower case,
/// without `-` and `_`.
///
/// `token` covers `access_token`, `id_token`, `bk_token`, `X-Amz-Security-Token`; `secret`
/// covers `app_secret`, `bk_app_secret`; `signature` covers `X-Amz-Signature`, `bk_signature`,
/// `X-Goog-Signature`; `credential` covers `X-Amz-Credential`; `accesskey` `AWSAccessKeyId`.
const PARTS: [&str; 14] = [
    "token",
    "secret",
    "signature",
    "credential",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "assertion",
    "bkticket",
    "session",
];

/// Keys that name a secret when nothing else stands in them: too short to look for as parts.
/// `key` is here because that is how well-known public interfaces take their credential.
const WHOLE: [&str; 10] =
    ["sig", "sign", "key", "pwd", "pass", "auth", "jwt", "otp", "hmac", "phpsessid"];

/// The public half of a key pair: it stands in the record anyway.
const PUBLIC: &str = "secretid";

/// Names up to this length, in bytes, are compared without allocating; few are longer.
const USUAL_NAME: usize = 64;

/// Replaces the values of secret keys by `REDACTED`; the keys stay. Borrowed when there are
/// none. Masking twice changes nothing.
pub fn mask_query(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(|pair| masked(pair).is_some()) {
        return Cow::Borrowed(query);
    }
    let mut out = String::with_capacity(query.len());
    for (at, pair) in query.split('&').enumerate() {
        if at > 0 {
            out.push('&');
        }
        match masked(pair) {
            Some(kept) => {
                out.push_str(kept);
                out.push_str(MASK);
            }
            None => out.push_str(pair),
        }
    }
    Cow::Owned(out)
}

/// What stays of one `key=value` with a secret in it; `None` when there is none to hide.
fn masked(pair: &str) -> Option<&str> {
    let mut start = 0_usize;
    // Some servers take `;` for `&`. All after a secret key goes, as others do not.
    for part in pair.split(';') {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value_at = start.saturating_add(key.len()).saturating_add(1);
        if !matches!(value, "" | MASK) && (secret(&decoded(key)) || nested(value)) {
            return pair.get(..value_at);
        }
        if value.is_empty() && nested(key) {
            return pair.get(..start);
        }
        start = start.saturating_add(part.len()).saturating_add(1);
    }
    None
}

/// Is, once decoded, a text with `key=secret` in it: an address to return to, an inner query.
fn nested(value: &str) -> bool {
    if !may_hold_pair(value.as_bytes()) {
        return false;
    }
    decoded(value)
        .split(['?', '&', ';', '#'])
        .filter_map(|part| part.split_once('='))
        .any(|(key, value)| !matches!(value, "" | MASK) && secret(key))
}

/// Holds a `=`, plain or percent-encoded.
fn may_hold_pair(value: &[u8]) -> bool {
    memchr::memchr2_iter(b'=', b'%', value)
        .any(|at| matches!(&value[at..], [b'=', ..] | [b'%', b'3', b'd' | b'D', ..]))
}

/// Names a secret, itself or in a part of it (`user[password]`, `auth.token`).
fn secret(key: &str) -> bool {
    key.split(['[', ']', '.', ':', '$', ' ', '/']).any(secret_name)
}

fn secret_name(name: &str) -> bool {
    let mut buffer = [0; USUAL_NAME];
    let name = folded(name, &mut buffer);
    let has = |part: &&str| name.windows(part.len()).any(|window| window == part.as_bytes());
    *name != *PUBLIC.as_bytes()
        && (WHOLE.iter().any(|whole| *name == *whole.as_bytes()) || PARTS.iter().any(has))
}

/// The letters of a key as they are compared: lower case, without `-` and `_`.
fn folded<'b>(name: &str, buffer: &'b mut [u8; USUAL_NAME]) -> Cow<'b, [u8]> {
    let letters = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    let letters = letters.map(|byte| byte.to_ascii_lowercase());
    if name.len() > USUAL_NAME {
        return Cow::Owned(letters.collect());
    }
    let mut len = 0_usize;
    for (place, letter) in buffer.iter_mut().zip(letters) {
        *place = letter;
        len = len.saturating_add(1);
    }
    Cow::Borrowed(&buffer[..len])
}

/// Percent-decoded, `+` as a space, what is no UTF-8 as �.
fn decoded(text: &str) -> Cow<'_, str> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let byte = match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    out.push((high << 4) | low);
                    continue;
                }
                _ => b'%',
            },
            (b'+', _) => b' ',
            _ => first,
        };
        out.push(byte);
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
