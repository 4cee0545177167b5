//! The life of one request: its phases in order, and what becomes of it where they stop.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::header::ORIGIN;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use policy::errors::forward as entries;
use policy::{Backend, Cors, Policy, Refusal};

use crate::exchange::{Exchange, Phase};
use crate::forward::{Forwarded, Upload};
use crate::respond::{self, Answer};
use crate::wire::Wire;
use crate::worker::{Stage, Worker};
use crate::{admit, forward, receive, route};

/// The client left; nobody is there to be answered.
#[derive(Debug, thiserror::Error)]
#[error("the client left")]
pub(crate) struct Gone;

/// Why a request got no answer from where it was to get one.
pub(crate) enum Stop<'p> {
    /// It is refused, or it failed, with a text of the catalog.
    Refused { refusal: Refusal<'p>, phase: Phase },
    /// The client left.
    Gone,
}

/// Answers one request.
pub(crate) async fn answer(
    wire: Rc<Wire>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Gone> {
    let exchange = wire.exchange().ok_or(Gone)?;
    let worker = wire.worker.clone();
    let (head, body) = request.into_parts();
    let method = head.method.clone();
    let origin = head.headers.get(ORIGIN).cloned();
    let mut cors = None;
    let upload = Rc::new(Upload::new(body, exchange.arrived));
    // The whole request goes by one policy, whatever is loaded meanwhile.
    let policy = worker.policy();
    let answered =
        until_cut(&worker, phases(&wire, &exchange, (&policy, &mut cors), head, &upload)).await;
    let mut answer = match answered {
        Ok(answer) => answer,
        Err(Stop::Gone) => return Err(Gone),
        Err(Stop::Refused { refusal, phase }) => {
            note(&exchange, &refusal, phase);
            if wire.request_complete() {
                // All of it is here: taking it keeps the connection alive.
                upload.discard().await;
            }
            respond::refusal(&wire, &exchange, &method, &refusal)
        }
    };
    if let Some(cors) = cors {
        cors.answer(origin.as_ref(), answer.headers_mut());
    }
    Ok(answer)
}

async fn phases<'w>(
    wire: &'w Rc<Wire>,
    exchange: &Rc<Exchange>,
    (policy, cors): (&'w Policy, &mut Option<&'w Cors>),
    head: Parts,
    upload: &Rc<Upload>,
) -> Result<Response<Answer>, Stop<'w>> {
    receive::receive(wire, exchange, &head, &upload.hint())?;
    let matched = route::route(policy, exchange, &head)?;
    *cors = matched.cors();
    if let Some(asked) = admit::admit(wire, policy, exchange, &matched, &head, upload).await? {
        *cors = None;
        let headers = asked.preflight(head.headers.get(ORIGIN));
        return Ok(respond::preflight(wire, exchange, headers));
    }
    if let Some(entry) = wire.refused() {
        // Its body is bad already.
        return Err(Refusal::new(entry, &[]).into());
    }
    match &matched.api.backend {
        Backend::Mock(mock) => {
            if wire.request_complete() {
                upload.discard().await;
            }
            Ok(respond::mock(wire, exchange, &head.method, mock))
        }
        Backend::Http(backend) => {
            let outgoing = route::outgoing(&matched, &head);
            let Forwarded { head, body } =
                forward::forward(wire, exchange, backend, outgoing, head, upload).await?;
            Ok(respond::backend(wire, exchange, head, body))
        }
    }
}

/// What was matched before the refusal, and why it is one.
fn note(exchange: &Exchange, refusal: &Refusal<'_>, phase: Phase) {
    let facts = &mut *exchange.facts.borrow_mut();
    if let Some(service) = refusal.service.filter(|_| facts.service_id.is_empty()) {
        facts.account.push_str(&service.account);
        facts.service_id.push_str(&service.id);
    }
    if let Some(environment) = refusal.environment {
        facts.env = environment.as_str();
    }
    if let Some(api) = refusal.api.filter(|_| facts.api_id.is_empty()) {
        facts.api_id.push_str(&api.id);
    }
    if facts.failure.is_none() {
        let (text, fault) = (refusal.text.clone(), refusal.entry.fault);
        facts.failure = Some(crate::exchange::Failure { text, fault, phase });
    }
}

/// Stops at the deadline of the drain. The connection's task is woken then, and polls this.
async fn until_cut<'w, T>(
    worker: &Worker,
    phases: impl Future<Output = Result<T, Stop<'w>>>,
) -> Result<T, Stop<'w>> {
    let mut phases = pin!(phases);
    poll_fn(|cx| match phases.as_mut().poll(cx) {
        Poll::Pending if worker.stage.get() == Stage::Cut => {
            let refusal = Refusal::new(&entries::STOPPING, &[]);
            Poll::Ready(Err(Stop::Refused { refusal, phase: Phase::None }))
        }
        polled => polled,
    })
    .await
}

impl<'p> From<Refusal<'p>> for Stop<'p> {
    fn from(refusal: Refusal<'p>) -> Self {
        Self::Refused { refusal, phase: Phase::None }
    }
}
