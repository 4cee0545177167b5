//! The W3C trace context of a request: the client's passes unchanged, a request without one gets
//! one whose trace id is the request id.

use http::{HeaderMap, HeaderName, HeaderValue};
use record::RequestId;

use super::Values;
use crate::exchange::{Exchange, Trace};
use crate::receive::TRACEPARENT;

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`.
const LENGTH: usize = 55;

/// Sees to it that the request has one good `traceparent`.
pub(super) fn set(exchange: &Exchange, values: &Values, headers: &mut HeaderMap) {
    let mut told = headers.get_all(TRACEPARENT).iter();
    let first = told.next().map(HeaderValue::as_bytes);
    if first.is_some_and(is_good) && told.next().is_none() {
        return;
    }
    // It belongs to the parent that was not there, or was not told.
    headers.remove(TRACESTATE);
    let Some(made) = values.copy(&make(&exchange.id)) else { return };
    exchange.facts.borrow_mut().request.trace = Trace::Ours;
    headers.insert(TRACEPARENT, made);
}

/// The trace begins here. It says `sampled`: a backend that goes by its parent would otherwise
/// record nothing from the day a gateway stands before it.
fn make(id: &RequestId) -> [u8; LENGTH] {
    let mut value = *b"00-00000000000000000000000000000000-0000000000000000-01";
    let id = id.as_str().as_bytes();
    value[3..35].copy_from_slice(id);
    value[36..52].copy_from_slice(&id[16..]);
    value
}

/// As the standard has it: lower-case digits, ids that are not zero, no version `ff`; later
/// versions may say more behind it.
fn is_good(value: &[u8]) -> bool {
    let Some((known, more)) = value.split_at_checked(LENGTH) else { return false };
    let hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = |part: &[u8]| hex(part) && part.iter().any(|byte| *byte != b'0');
    let (version, flags) = (&known[..2], &known[53..]);
    let dashes = [2, 35, 52].iter().all(|at| known[*at] == b'-');
    let tail = more.is_empty() || (version != b"00" && more[0] == b'-');
    let ids = id(&known[3..35]) && id(&known[36..52]);
    dashes && tail && ids && hex(version) && version != b"ff" && hex(flags)
}

#[cfg(test)]
mod tests {
    use record::RequestIds;

    use super::*;

    #[test]
    fn what_is_made_is_good_and_has_the_request_id() {
        let id = RequestIds::new().next(1_700_000_000_000);
        let made = make(&id);
        assert!(is_good(&made));
        assert_eq!(&made[3..35], id.as_str().as_bytes());
    }

    #[test]
    fn bad_ones_are_told_from_good_ones() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_good(good.as_bytes()));
        assert!(is_good(format!("01{}", &good[2..]).as_bytes()));
        assert!(is_good(format!("cc{}-what-ever", &good[2..]).as_bytes()));
        for bad in [
            String::new(),
            good[..54].to_owned(),
            format!("{good}-"),
            format!("{good}1"),
            format!("cc{}1", &good[2..]),
            format!("ff{}", &good[2..]),
            good.to_uppercase(),
            good.replace('-', "_"),
            good.replace("b7ad6b7169203331", "0000000000000000"),
            good.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            good.replace("-01", "-0g"),
        ] {
            assert!(!is_good(bad.as_bytes()), "{bad}");
        }
    }
}
