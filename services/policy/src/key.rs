//! Keys: who may call what, and whose call it is then.

use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// One key pair, ready to verify signatures.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) secret_id: String,
    pub(crate) account: String,
    pub(crate) plan: String,
    pub(crate) order: String,
    pub(crate) goods: String,
    /// Indices of services, sorted.
    pub(crate) services: Vec<usize>,
    /// Indices of APIs, sorted; `None` for all APIs of the services.
    pub(crate) apis: Option<Vec<usize>>,
    pub(crate) macs: Macs,
}

/// The secret, taken in once: a signature costs two blocks of hashing less, and the secret itself
/// is not kept.
#[derive(Debug)]
pub(crate) struct Macs {
    pub(crate) sha1: Hmac<Sha1>,
    pub(crate) sha256: Hmac<Sha256>,
    pub(crate) sha384: Hmac<Sha384>,
    pub(crate) sha512: Hmac<Sha512>,
}

/// Whose call it is. All texts are empty when the API asks for no credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caller<'p> {
    /// The account that owns the key.
    pub account: &'p str,
    /// The public half of the key.
    pub secret_id: &'p str,
    /// The usage plan that the key belongs to.
    pub plan_id: &'p str,
    /// The marketplace order that the key was made for.
    pub order_id: &'p str,
    /// The marketplace product of the order.
    pub goods_id: &'p str,
}
