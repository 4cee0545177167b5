//! In which language a person is answered: what `Accept-Language` prefers of the two there are.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use policy::errors::Words;

use crate::app::State;

/// A language of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English, if nothing else is asked for.
    En,
    /// Simplified Chinese.
    Zh,
}

impl FromRequestParts<State> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        let header = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(header.map_or(Self::En, Self::preferred))
    }
}

// === impl Language ===

impl Language {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The words in it.
    pub(crate) fn of(self, words: &Words) -> &'static str {
        self.pick(words.en, words.zh)
    }

    /// One of two texts.
    pub(crate) fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// The first of the two with the greatest weight: `zh-CN, en;q=0.8`.
    fn preferred(header: &str) -> Self {
        let mut best = (Self::En, 0);
        for range in header.split(',') {
            let mut words = range.split(';').map(str::trim);
            let tag = words.next().unwrap_or_default();
            let language = match tag.split('-').next().unwrap_or_default() {
                tag if tag.eq_ignore_ascii_case("zh") => Self::Zh,
                tag if tag.eq_ignore_ascii_case("en") || tag == "*" => Self::En,
                _ => continue,
            };
            let weight = words.find_map(|word| word.strip_prefix("q=")).map_or(1000, thousandths);
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// `0.85` as 850. What is no weight is none.
fn thousandths(text: &str) -> u16 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = decimals.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u16>()) {
        ("1", Ok(_)) => 1000,
        ("0", Ok(decimals)) => decimals,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_weight_wins() {
        let check = |header: &str, expected| {
            assert_eq!(Language::preferred(header), expected, "{header}");
        };
        for header in ["zh", "zh-CN", "ZH-Hans,en;q=0.9", "fr, zh;q=0.3, en;q=0.2", "en;q=0, zh"] {
            check(header, Language::Zh);
        }
        for header in ["", "en", "fr", "*", "en, zh", "zh;q=0.5, en", "zh;q=0", "zh;q=x", ";;,,"] {
            check(header, Language::En);
        }
    }
}
