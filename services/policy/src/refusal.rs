//! A refusal: which entry of the catalog, its texts filled in, and what was matched before it.

use std::borrow::Cow;

use crate::errors::{self, Entry};
use crate::service::{Api, Environment, Service};

/// Why a request is not served. The record of the request is written from it.
#[derive(Debug)]
pub struct Refusal<'p> {
    /// The entry of the catalog.
    pub entry: &'static Entry,
    /// The text with its placeholders filled in: `err_msg` of the record.
    pub text: Cow<'static, str>,
    /// The text that the client gets, where it differs from `text`.
    pub(crate) shown: Option<String>,
    /// The service that was matched before the refusal: its account is billed for the traffic.
    pub service: Option<&'p Service>,
    /// The environment that was matched before the refusal.
    pub environment: Option<Environment>,
    /// The API that was matched before the refusal.
    pub api: Option<&'p Api>,
}

// === impl Refusal ===

impl Refusal<'_> {
    /// A refusal of `entry` with its placeholders filled from `values`, nothing matched yet.
    pub fn new(entry: &'static Entry, values: &[(&str, &str)]) -> Self {
        Self {
            entry,
            text: errors::fill(entry.text, values),
            shown: entry.shown.map(|shown| errors::fill(shown, values).into_owned()),
            service: None,
            environment: None,
            api: None,
        }
    }

    /// The body of the answer, `{"message":"…"}`.
    pub fn body(&self) -> String {
        errors::body(self.shown.as_deref().unwrap_or(&self.text))
    }
}

impl<'p> Refusal<'p> {
    /// The same refusal, after `service` was matched.
    pub(crate) fn at_service(self, service: &'p Service) -> Self {
        Self { service: Some(service), ..self }
    }

    /// The same refusal, after `environment` was matched.
    pub(crate) fn at_environment(self, environment: Environment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// The same refusal, after `api` was matched.
    pub(crate) fn at_api(self, api: &'p Api) -> Self {
        Self { api: Some(api), ..self }
    }
}
