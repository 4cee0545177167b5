//! The key pair: `Authorization: hmac id="…", algorithm="…", headers="…", signature="…"`.

use http::HeaderMap;
use record::Time;

use crate::Policy;
use crate::errors::credentials;
use crate::key::Caller;
use crate::refusal::Refusal;
use crate::route::Match;
use crate::service::Auth;

impl Policy {
    /// Checks the credentials that the matched API asks for. `now` is the gateway's clock.
    ///
    /// # Errors
    /// The refusal; service, environment and API of `matched` stand in it.
    pub fn admit<'p>(
        &'p self,
        matched: &Match<'p>,
        _headers: &HeaderMap,
        _now: Time,
    ) -> Result<Caller<'p>, Refusal<'p>> {
        match matched.api.auth {
            Auth::None => Ok(Caller::default()),
            Auth::KeyPair => Err(Refusal::new(&credentials::HMAC_FORMAT, &[])
                .at_service(matched.service)
                .at_environment(matched.environment)
                .at_api(matched.api)),
        }
    }
}
