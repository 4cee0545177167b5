//! Scalars: what a plain text may mean. Each type says what it accepts.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// A type that stands in one value of a text.
pub trait Scalar: Sized {
    /// What is accepted, as part of `expected …`.
    const EXPECTED: &'static str;

    /// Parses `text`; `plain` is false when it was quoted.
    ///
    /// # Errors
    /// A fragment that says why it is refused; empty when [`Scalar::EXPECTED`] says it all.
    fn parse(text: &str, plain: bool) -> Result<Self, String>;
}

/// A number of bytes, written `512`, `64KiB`, `16MiB`, `4GiB`, `40MB` (10^6) or `1GB` (10^9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl Scalar for String {
    const EXPECTED: &'static str = "a text";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Scalar for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

impl Scalar for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn parse(text: &str, plain: bool) -> Result<Self, String> {
        match text {
            "true" if plain => Ok(true),
            "false" if plain => Ok(false),
            _ => Err(String::new()),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Scalar for $type {
            const EXPECTED: &'static str = "a whole number";

            fn parse(text: &str, _plain: bool) -> Result<Self, String> {
                let digits = text.replace('_', "");
                digits.parse().map_err(|_| format!("from 0 to {} are accepted", Self::MAX))
            }
        }
    )*};
}

integers!(u16, u32, u64, usize);

impl Scalar for SocketAddr {
    const EXPECTED: &'static str = "an address with a port, like `127.0.0.1:8080`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        text.parse().map_err(|_| String::new())
    }
}

impl Scalar for IpAddr {
    const EXPECTED: &'static str = "an IP address";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        text.parse().map_err(|_| String::new())
    }
}

impl Scalar for Duration {
    const EXPECTED: &'static str = "a duration, like `250ms`, `5s`, `25m`, `12h` or `30d`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(String::new()),
        };
        number.checked_mul(millis).map(Self::from_millis).ok_or_else(|| "too large".to_owned())
    }
}

impl Scalar for ByteSize {
    const EXPECTED: &'static str =
        "a size in bytes, like `512`, `64KiB`, `16MiB`, `4GiB` or `40MB`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text)?;
        let bytes = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(String::new()),
        };
        number.checked_mul(bytes).map(Self).ok_or_else(|| "too large".to_owned())
    }
}

/// Splits `25m` into 25 and `m`.
fn number_and_unit(text: &str) -> Result<(u64, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.parse().map_err(|_| String::new())?;
    Ok((number, unit.trim_start()))
}
