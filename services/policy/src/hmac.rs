//! The key pair: `Authorization: hmac id="…", algorithm="…", headers="…", signature="…"`.
//!
//! The checks, in this order; the first that fails answers:
//! 1. `Authorization` came once and can be parsed;
//! 2. it has `algorithm` and `headers`; 3. it has `id` and `signature`; 4. the algorithm is known;
//! 5. `date` or `x-date` came; `x-date` came once, is a date, and lies near the clock (`date` is
//!    not checked for age);
//! 6. each listed header came, once;
//! 7. the key is known and bound to the service; 8. it is bound to the API;
//! 9. the signature is right, compared in constant time.
//!
//! So nothing is hashed before the key is known, and a wrong signature is said last. What is
//! signed: `lower(name): value` of each listed header in their order, joined by newlines.
//!
//! An application signs more ([`application`]), has to send `x-date`, and is told what the gateway
//! would have signed when its signature is wrong. Its key opens no API that asks for a key pair.

mod application;
mod parse;

use chrono::NaiveDateTime;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use record::Time;

use crate::Policy;
use crate::admit::AdmitRequest;
use crate::errors::{Entry, admit, credentials};
use crate::key::{Algorithm, Caller, Key};
use crate::refusal::Refusal;
use crate::route::Match;
use crate::service::Auth;

use parse::Authorization;

/// How far `x-date` may lie from the clock, in either direction. The seed's 900 seconds: it bounds
/// how long a request that was overheard can be sent again.
const X_DATE_SKEW_MS: u64 = 900 * 1000;

/// The only form of `x-date`: what HTTP writes (RFC 9110, IMF-fixdate).
const X_DATE_FORM: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Why credentials are refused: the entry, and the value of its `xxx`.
type Denial<'h> = (&'static Entry, &'h str);

/// What the checks that need no key leave behind.
struct Claim<'h> {
    id: &'h str,
    algorithm: Algorithm,
    /// Names of the signed headers, separated by blanks. Each came exactly once.
    names: &'h str,
    signature: &'h str,
}

/// What an `Authorization` header says, for tools and fuzzing: id, algorithm, names of headers,
/// signature; a part that is absent is empty. Nothing when it can not be read.
pub fn authorization_parts(header: &str) -> Option<[&str; 4]> {
    let parsed = Authorization::parse(header)?;
    Some([parsed.id, parsed.algorithm, parsed.headers, parsed.signature])
}

// === impl Policy ===

impl Policy {
    /// Checks the credentials that the matched API asks for. The refusal names no caller: until
    /// the signature is right, the id is only a claim.
    pub(crate) fn credentials<'p>(
        &'p self,
        matched: &Match<'p>,
        request: &AdmitRequest<'_>,
    ) -> Result<Caller<'p>, Refusal<'p>> {
        let application = match matched.api.auth {
            Auth::None => return Ok(Caller::default()),
            Auth::KeyPair => false,
            Auth::Application => true,
        };
        let refuse = |(entry, xxx): Denial<'_>| Refusal::new(entry, &[("xxx", xxx)]);
        let claim = claim(request.headers, request.now, application).map_err(refuse)?;
        let key = self.keys.get(claim.id).filter(|key| {
            key.is_application == application && key.opens_service(matched.service.index)
        });
        let key = key.ok_or_else(|| Refusal::new(&credentials::HMAC_KEY_UNKNOWN, &[]))?;
        if !key.opens_api(matched.api.index) {
            let entry = if application {
                &admit::APPLICATION_NOT_BOUND
            } else {
                &credentials::HMAC_KEY_NOT_BOUND
            };
            return Err(Refusal::new(entry, &[]));
        }
        if application {
            check_application(key, &claim, matched, request)?;
        } else {
            let feed = |update: &mut dyn FnMut(&[u8])| {
                signing_string(claim.names, request.headers, update)
            };
            if !key.verify(claim.algorithm, claim.signature, feed) {
                return Err(Refusal::new(&credentials::HMAC_MISMATCH, &[]));
            }
        }
        Ok(key.caller())
    }
}

/// Check 9 of an application.
fn check_application<'p>(
    key: &Key,
    claim: &Claim<'_>,
    matched: &Match<'_>,
    request: &AdmitRequest<'_>,
) -> Result<(), Refusal<'p>> {
    let string = application::signing_string(claim.names, matched, request);
    if key.verify(claim.algorithm, claim.signature, |update| update(&string)) {
        return Ok(());
    }
    let mut refusal = Refusal::new(&credentials::HMAC_MISMATCH, &[]);
    // For the client alone: parameters may hold what no record is to keep.
    let shown = application::shown(&string);
    refusal.shown = Some(format!("{}{shown}", credentials::HMAC_SERVER_STRING));
    Err(refusal)
}

/// Checks 1 to 6.
fn claim(headers: &HeaderMap, now: Time, application: bool) -> Result<Claim<'_>, Denial<'_>> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), second) = (sent.next(), sent.next()) else {
        return Err((&credentials::HMAC_FORMAT, ""));
    };
    if second.is_some() {
        return Err((&credentials::HMAC_HEADER_MULTIPLE, ""));
    }
    let Some(authorization) = header.to_str().ok().and_then(Authorization::parse) else {
        return Err((&credentials::HMAC_FORMAT, ""));
    };
    let Authorization { id, algorithm, headers: names, signature } = authorization;

    if algorithm.is_empty() || names.trim_ascii().is_empty() {
        return Err((&credentials::HMAC_PARAMETERS, ""));
    }
    if id.is_empty() || signature.is_empty() {
        return Err((&credentials::HMAC_ID_OR_SIGNATURE_MISSING, ""));
    }
    let Some(known) = Algorithm::parse(algorithm) else {
        return Err((&credentials::HMAC_ALGORITHM, algorithm));
    };
    check_dates(headers, now, application).map_err(|entry| (entry, ""))?;
    for name in names.split_ascii_whitespace() {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(_), None) => {}
            (Some(_), Some(_)) => return Err((&credentials::HMAC_HEADER_MULTIPLE, "")),
            (None, _) => return Err((&credentials::HMAC_HEADER_MISSING, name)),
        }
    }
    Ok(Claim { id, algorithm: known, names, signature })
}

/// Check 5.
fn check_dates(headers: &HeaderMap, now: Time, application: bool) -> Result<(), &'static Entry> {
    let mut sent = headers.get_all("x-date").iter();
    let (first, second) = (sent.next(), sent.next());
    let Some(x_date) = first else {
        if application {
            return Err(&credentials::HMAC_X_DATE_INVALID);
        }
        let dated = headers.contains_key(http::header::DATE);
        return if dated { Ok(()) } else { Err(&credentials::HMAC_DATE_MISSING) };
    };
    if second.is_some() {
        return Err(&credentials::HMAC_HEADER_MULTIPLE);
    }
    let text = x_date.to_str().map_err(|_| &credentials::HMAC_X_DATE_INVALID)?;
    let date = NaiveDateTime::parse_from_str(text, X_DATE_FORM)
        .map_err(|_| &credentials::HMAC_X_DATE_INVALID)?;
    if date.and_utc().timestamp_millis().abs_diff(now.0) > X_DATE_SKEW_MS {
        return Err(&credentials::HMAC_X_DATE_OUT_OF_DATE);
    }
    Ok(())
}

/// Hands what is signed to `update`, piece by piece: it is never put together in memory.
fn signing_string(names: &str, headers: &HeaderMap, update: &mut dyn FnMut(&[u8])) {
    for (index, name) in names.split_ascii_whitespace().enumerate() {
        if index > 0 {
            update(b"\n");
        }
        let mut buffer = [0; 32];
        for piece in name.as_bytes().chunks(buffer.len()) {
            let lower = &mut buffer[..piece.len()];
            lower.copy_from_slice(piece);
            lower.make_ascii_lowercase();
            update(lower);
        }
        update(b": ");
        update(headers.get(name).map_or(b"", |value| value.as_bytes()));
    }
}

#[cfg(test)]
pub(crate) mod tests;
