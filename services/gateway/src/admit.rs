//! Admit: may the caller do this, and whose call is it.

use http::Method;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use policy::{AdmitRequest, Admitted, Cors, Match, Policy, Refusal};

use crate::exchange::{CallerFacts, Exchange};
use crate::forward::Upload;
use crate::life::Stop;
use crate::wire::Wire;

/// Admits one request; gives what a preflight is answered by, if it is one.
pub(crate) async fn admit<'p>(
    wire: &Wire,
    policy: &'p Policy,
    exchange: &Exchange,
    matched: &Match<'p>,
    head: &Parts,
    upload: &Upload,
) -> Result<Option<&'p Cors>, Stop<'p>> {
    let form = match matched.form_max() {
        0 => Vec::new(),
        max => read_form(wire, upload, max).await?,
    };
    let named = head.headers.get(HOST).map(|host| host.as_bytes());
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let (tls, client) = {
        let facts = exchange.facts.borrow();
        (facts.tls, facts.client)
    };
    let request = AdmitRequest {
        scheme: scheme(tls),
        host: named.or(authority),
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        headers: &head.headers,
        form: &form,
        client,
        now: wire.worker.now(),
    };
    let caller = match policy.admit(matched, &request)? {
        Admitted::Preflight(cors) => return Ok(Some(cors)),
        Admitted::Call(caller) => caller,
    };
    exchange.facts.borrow_mut().caller = CallerFacts {
        account: caller.account.to_owned(),
        secret_id: caller.secret_id.to_owned(),
        plan_id: caller.plan_id.to_owned(),
        order_id: caller.order_id.to_owned(),
        goods_id: caller.goods_id.to_owned(),
    };
    Ok(None)
}

/// The method that routes a request: of a preflight, the one that it asks for.
pub(crate) fn method_of<'h>(head: &'h Parts, host: Option<&[u8]>, tls: bool) -> &'h str {
    let method = head.method.as_str();
    if head.method != Method::OPTIONS || !head.headers.contains_key(ORIGIN) {
        return method;
    }
    policy::preflight_method(method, scheme(tls), host, &head.headers).unwrap_or(method)
}

fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

/// The beginning of the body. What is read is still forwarded.
async fn read_form<'p>(wire: &Wire, upload: &Upload, max: usize) -> Result<Vec<u8>, Stop<'p>> {
    let form = upload.read_ahead(wire, max).await;
    if let Some(entry) = wire.refused() {
        return Err(Refusal::new(entry, &[]).into());
    }
    if wire.lost() {
        return Err(Stop::Gone);
    }
    Ok(form)
}
