//! Who asks: the bearer token of a request becomes a caller, and a caller a scope.
//!
//! The only way to a [`Scope`] is [`Caller::read`], which needs a resource that the role may read.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use record::Time;

use crate::access_log::Line;
use crate::app::State;
use crate::problem::{Code, Problem};
use crate::roles::{Resource, Role};
use crate::scope::Scope;
use crate::tokens::Known;

/// A request with a valid token.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    known: Known,
}

impl FromRequestParts<State> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, Problem> {
        let token = bearer(parts)?;
        let now = app.now();
        let known =
            app.tokens.find(token).await?.ok_or_else(|| {
                Problem::new(Code::TokenUnknown, "`tollgate token create` makes one")
            })?;
        check_life(&known, now)?;
        if known.account.is_none() {
            let what = format!("{} {}", parts.method, parts.uri);
            app.access_log.write(parts.extensions.get::<Line>(), &known, &what, now)?;
        }
        Ok(Self { known })
    }
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let missing = || {
        let detail = "send `Authorization: Bearer TOKEN`; `tollgate token create` makes one";
        Problem::new(Code::TokenMissing, detail)
    };
    let mut all = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (all.next(), all.next()) else { return Err(missing()) };
    let (scheme, token) =
        header.to_str().ok().and_then(|h| h.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(missing());
    }
    Ok(token.trim())
}

fn check_life(known: &Known, now: Time) -> Result<(), Problem> {
    match known.expires_at {
        Some(end) if end <= now => {
            Err(Problem::new(Code::TokenExpired, format!("it ended at {end}; ask for a new one")))
        }
        _ => Ok(()),
    }
}

// === impl Caller ===

impl Caller {
    /// The rows that it may read of this resource.
    pub(crate) fn read(&self, resource: Resource) -> Result<Scope, Problem> {
        let role = self.known.role;
        if !role.may_read(resource) {
            let detail = format!("a token with role `{role}` does not read this");
            return Err(Problem::new(Code::RoleForbidden, detail));
        }
        Ok(self.known.account.as_ref().map_or_else(Scope::all, Scope::account))
    }

    /// What its token is for.
    pub(crate) fn role(&self) -> Role {
        self.known.role
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[&str]) -> Parts {
        let mut request = http::Request::builder();
        for header in headers {
            request = request.header(AUTHORIZATION, *header);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn one_bearer_token_is_taken() {
        let check = |headers: &[&str], expected: Option<&str>| {
            let parts = parts(headers);
            assert_eq!(bearer(&parts).ok(), expected, "{headers:?}");
        };
        check(&["Bearer abc"], Some("abc"));
        check(&["bearer  abc "], Some("abc"));
        check(&[], None);
        check(&["Bearer"], None);
        check(&["Bearer "], None);
        check(&["Basic abc"], None);
        check(&["Bearer a", "Bearer b"], None);
    }

    #[test]
    fn a_scope_needs_the_role_and_is_the_tokens_account() {
        let caller = |role, account: Option<&str>| Caller {
            known: Known {
                name: String::new(),
                role,
                account: account.map(str::to_owned),
                expires_at: None,
            },
        };
        let support = caller(Role::Support, Some("7"));
        assert_eq!(support.read(Resource::Logs).expect("may"), Scope::account("7"));
        assert_eq!(support.read(Resource::Bills).expect_err("not").code, Code::RoleForbidden);
        let auditor = caller(Role::Auditor, None);
        assert_eq!(auditor.read(Resource::Proofs).expect("may"), Scope::all());
    }

    #[test]
    fn a_token_ends_when_it_says() {
        let known = |end| Known {
            name: String::new(),
            role: Role::Auditor,
            account: None,
            expires_at: Some(Time(end)),
        };
        assert!(check_life(&known(1001), Time(1000)).is_ok());
        let ended = check_life(&known(1000), Time(1000)).expect_err("ended");
        assert_eq!(ended.code, Code::TokenExpired);
    }
}
