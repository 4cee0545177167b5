//! Keys: who may call what, and whose call it is then.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// Room to decode the longest signature, 64 bytes of SHA-512: Base64 comes in groups of three.
const SIGNATURE_MAX: usize = 66;

/// One key pair, ready to verify signatures.
pub(crate) struct Key {
    pub(crate) secret_id: String,
    /// The account that owns it.
    pub(crate) account: String,
    pub(crate) plan: String,
    pub(crate) order: String,
    pub(crate) goods: String,
    /// It signs as an application does, and opens only APIs that ask for one.
    pub(crate) is_application: bool,
    /// Indices of services, sorted.
    pub(crate) services: Vec<usize>,
    /// Indices of APIs, sorted; `None` for all APIs of the services.
    pub(crate) apis: Option<Vec<usize>>,
    pub(crate) macs: Macs,
}

/// The secret, taken in once per algorithm: a signature costs two blocks of hashing less, and the
/// secret itself is not kept.
pub(crate) struct Macs {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
    sha384: Hmac<Sha384>,
    sha512: Hmac<Sha512>,
}

/// How a signature was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
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

// === impl Key ===

impl Key {
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller {
            account: &self.account,
            secret_id: &self.secret_id,
            plan_id: &self.plan,
            order_id: &self.order,
            goods_id: &self.goods,
        }
    }

    pub(crate) fn opens_service(&self, index: usize) -> bool {
        self.services.binary_search(&index).is_ok()
    }

    /// Whether it opens an API of a service that it opens.
    pub(crate) fn opens_api(&self, index: usize) -> bool {
        self.apis.as_ref().is_none_or(|apis| apis.binary_search(&index).is_ok())
    }

    /// Whether `signature`, in Base64, is that of the string which `feed` hands over in pieces.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        signature: &str,
        feed: impl FnOnce(&mut dyn FnMut(&[u8])),
    ) -> bool {
        let mut buffer = [0; SIGNATURE_MAX];
        let Ok(length) = STANDARD.decode_slice(signature, &mut buffer) else { return false };
        let signature = &buffer[..length];
        match algorithm {
            Algorithm::Sha1 => verify(&self.macs.sha1, signature, feed),
            Algorithm::Sha256 => verify(&self.macs.sha256, signature, feed),
            Algorithm::Sha384 => verify(&self.macs.sha384, signature, feed),
            Algorithm::Sha512 => verify(&self.macs.sha512, signature, feed),
        }
    }
}

impl fmt::Debug for Key {
    // The states of the MACs are as good as the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("secret_id", &self.secret_id)
            .field("is_application", &self.is_application)
            .finish_non_exhaustive()
    }
}

// === impl Macs ===

impl Macs {
    /// Takes the secret in.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self {
            sha1: keyed(secret),
            sha256: keyed(secret),
            sha384: keyed(secret),
            sha512: keyed(secret),
        }
    }
}

// === impl Algorithm ===

impl Algorithm {
    /// The algorithm of that name, written as in the header.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "hmac-sha1" => Some(Self::Sha1),
            "hmac-sha256" => Some(Self::Sha256),
            "hmac-sha384" => Some(Self::Sha384),
            "hmac-sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

fn keyed<M: KeyInit>(secret: &[u8]) -> M {
    M::new_from_slice(secret).expect("HMAC takes keys of every length")
}

fn verify<M: Mac + Clone>(
    keyed: &M,
    signature: &[u8],
    feed: impl FnOnce(&mut dyn FnMut(&[u8])),
) -> bool {
    let mut mac = keyed.clone();
    feed(&mut |piece| mac.update(piece));
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            secret_id: "AKID".to_owned(),
            account: String::new(),
            plan: String::new(),
            order: String::new(),
            goods: String::new(),
            is_application: false,
            services: vec![1, 4],
            apis: None,
            macs: Macs::new(b"secret"),
        }
    }

    /// The published vector of this family of signatures, and the same string under the other
    /// algorithms, computed with `openssl dgst -<algorithm> -hmac secret -binary | base64 -w0`.
    #[test]
    fn known_signatures_are_verified() {
        const STRING: &[u8] = b"date: Thu, 22 Jun 2017 17:15:21 GMT\nGET /requests HTTP/1.1";
        let rows = [
            ("hmac-sha256", "ujWCGHeec9Xd6UD2zlyxiNMCiXnDOWeVFMu5VeRUxtw="),
            ("hmac-sha1", "n/6dQlk7VmcTc7VcqqBq2dxXjb4="),
            ("hmac-sha384", "i+fBPvZJIynZIZcIxtJo6XxZiZc9ThPv0Vxs2lJdYpLXW39KFJJIO5MDP6R7EkKh"),
            (
                "hmac-sha512",
                "fGQAJ3L7KH4ldMsVNVc+TpjdAm+9WbxN/Kzhs/VxHYdY08I5kxcjyWGKhBn6XClxUR6rTu8QaVW6ZkHKHM9pcQ==",
            ),
        ];
        for (name, signature) in rows {
            let algorithm = Algorithm::parse(name).expect("a known name");
            let right = key().verify(algorithm, signature, |update| update(STRING));
            assert!(right, "{name}");
            let wrong = key().verify(algorithm, signature, |update| update(&STRING[1..]));
            assert!(!wrong, "{name} of another string");
            let cut = &signature[..signature.len() - 4];
            assert!(!key().verify(algorithm, cut, |update| update(STRING)), "{name}, cut");
        }
        assert!(!key().verify(Algorithm::Sha1, rows[0].1, |update| update(STRING)));
        for junk in ["", "*", "====", &"A".repeat(400)] {
            assert!(!key().verify(Algorithm::Sha1, junk, |update| update(STRING)), "{junk}");
        }
    }

    #[test]
    fn a_key_opens_what_it_is_bound_to() {
        let bound = key();
        assert!(bound.opens_service(1) && bound.opens_service(4));
        assert!(!bound.opens_service(0) && !bound.opens_service(2));
        assert!(bound.opens_api(7));
        let narrow = Key { apis: Some(vec![2, 7]), ..key() };
        assert!(narrow.opens_api(7) && !narrow.opens_api(3));
    }

    #[test]
    fn a_key_does_not_print_its_secret() {
        assert_eq!(
            format!("{:?}", key()),
            r#"Key { secret_id: "AKID", is_application: false, .. }"#
        );
    }
}
