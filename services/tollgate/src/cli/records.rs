//! The words of the commands that search and sum up records.

use std::time::Duration;

use clap::{Args, ValueEnum};
use record::{Hour, Time};

use super::Server;

#[derive(Debug, Args)]
pub(crate) struct LogsSearch {
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) span: Span,
    /// How many at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Oldest first.
    #[arg(long)]
    pub(crate) oldest: bool,
    /// Comparisons of the record's fields, like 'rsp_st >= 500 AND uri : "/orders" AND NOT ups_st = -'.
    ///
    /// With =, !=, : (holds), >, >=, <, <= and in, joined by AND, OR, NOT and parentheses; `-` is
    /// empty; lists and address ranges as in 'rsp_st in (502, 504) AND ip in 10.0.0.0/8'.
    #[arg(value_name = "FILTER", default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
}

#[derive(Debug, Args)]
pub(crate) struct LogsTail {
    #[command(flatten)]
    pub(crate) server: Server,
    /// Which records, as for `logs search`.
    #[arg(value_name = "FILTER", default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
}

#[derive(Debug, Args)]
pub(crate) struct LogsExplain {
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) tongue: Tongue,
    /// 32 hex digits, with or without hyphens; or a foreign id.
    #[arg(value_name = "REQ_ID")]
    pub(crate) req_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Usage {
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) span: Span,
    /// The period of each row, in UTC.
    #[arg(long, value_enum, default_value_t = By::Hour)]
    pub(crate) by: By,
    /// What else each row is of: account, service, api, region, environment, key.
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) group: Vec<String>,
    /// Only these records, as for `logs search`.
    #[arg(value_name = "FILTER", default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// By hour.
    Hour,
    /// By day.
    Day,
}

#[derive(Debug, Args)]
pub(crate) struct Errors {
    #[command(flatten)]
    pub(crate) tongue: Tongue,
    /// Name of an error, a status, or a text that the gateway answered with; without it, all.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// In which language words are given.
#[derive(Debug, Args)]
pub(crate) struct Tongue {
    /// Language of causes and remedies; default: that of the terminal, if it is one of these.
    #[arg(long, value_enum)]
    pub(crate) language: Option<Language>,
    /// The terminal's own.
    #[arg(long, env = "LANG", hide = true, default_value = "")]
    lang: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

/// A span of time, by its ends or up to now.
#[derive(Debug, Args)]
pub(crate) struct Span {
    /// From this time on: RFC 3339, or a UTC hour like 2026-11-20T14. Default: three hours before
    /// the end.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<Time>,
    /// Up to this time, not included. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<Time>,
    /// The time until now, like 15m, 3h or 2d.
    #[arg(long, value_name = "SPAN", value_parser = span, conflicts_with_all = ["from", "to"])]
    pub(crate) last: Option<Duration>,
}

// === impl By ===

impl By {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

// === impl Language ===

impl Language {
    pub(crate) fn as_str(self) -> &'static str {
        self.pick("en", "zh")
    }

    /// One of two texts.
    pub(crate) fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

// === impl Tongue ===

impl Tongue {
    pub(crate) fn language(&self) -> Language {
        let own = if self.lang.starts_with("zh") { Language::Zh } else { Language::En };
        self.language.unwrap_or(own)
    }
}

/// A time as people write it.
fn time(text: &str) -> Result<Time, String> {
    let hour = || text.parse::<Hour>().ok().map(Hour::start);
    Time::parse_rfc3339(text)
        .or_else(hour)
        .ok_or_else(|| "it is no time, like 2026-11-20T14:05:00Z or 2026-11-20T14".to_owned())
}

/// A span as people write it.
fn span(text: &str) -> Result<Duration, String> {
    let seconds = |unit: char| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    };
    let read = || {
        let unit = seconds(text.chars().next_back()?)?;
        let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
        number.checked_mul(unit).filter(|seconds| *seconds > 0).map(Duration::from_secs)
    };
    read().ok_or_else(|| "it is no span, like 90s, 15m, 3h or 2d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_read_as_people_write_them() {
        assert_eq!(time("1970-01-01T01"), time("1970-01-01T01:00:00Z"));
        assert!(time("yesterday").is_err());
        assert_eq!(span("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(span("2d"), Ok(Duration::from_secs(172_800)));
        for wrong in ["", "h", "0h", "3", "-1h", "1ü", "99999999999999999999d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
