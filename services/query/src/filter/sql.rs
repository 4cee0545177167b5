//! A filter as a condition over the columns of `records`, its values as parameters.
//!
//! Every condition is true or false, never null: the complement of a set of records is all others.

use ipnet::IpNet;
use store::Param;

use super::{Filter, Kind, Op, Term, Value};

/// The tries of `ups_st`, split as RULE-1 splits them.
const TRIES: &str = "arrayMap(t -> toUInt16OrZero(t), splitByRegexp(' *[,:] *', ups_st))";

/// `ups_st` is empty when all its items are, as RULE-1 says.
const NO_TRY: &str = "match(ups_st, '^ *(-|null)? *([,:] *(-|null)? *)*$')";

/// The condition, and the parameters that it names: `f0`, `f1`, …
pub(crate) fn compile(filter: &Filter) -> (String, Vec<(String, Param)>) {
    let mut params = Params(Vec::new());
    let text = condition(filter, &mut params);
    (text, params.0)
}

struct Params(Vec<(String, Param)>);

impl Params {
    /// `{f0:String}`
    fn add(&mut self, kind: &str, value: impl Into<Param>) -> String {
        let name = format!("f{}", self.0.len());
        let place = format!("{{{name}:{kind}}}");
        self.0.push((name, value.into()));
        place
    }
}

fn condition(filter: &Filter, params: &mut Params) -> String {
    match filter {
        Filter::All(parts) => joined(parts, " AND ", |part| condition(part, params)),
        Filter::Any(parts) => joined(parts, " OR ", |part| condition(part, params)),
        Filter::Not(part) => format!("NOT ({})", condition(part, params)),
        Filter::Term(term) => of_term(term, params),
    }
}

fn joined<T>(parts: &[T], word: &str, mut text: impl FnMut(&T) -> String) -> String {
    let parts: Vec<_> = parts.iter().map(|part| format!("({})", text(part))).collect();
    parts.join(word)
}

fn of_term(term: &Term, params: &mut Params) -> String {
    match term.op {
        Op::In => joined(&term.values, " OR ", |value| compare(term, Op::Equal, value, params)),
        Op::Unequal => {
            let equal =
                joined(&term.values, " AND ", |value| compare(term, Op::Equal, value, params));
            format!("NOT {equal}")
        }
        op => joined(&term.values, " AND ", |value| compare(term, op, value, params)),
    }
}

/// One comparison. The name is one of the table of fields, so it is safe in the text.
fn compare(term: &Term, op: Op, value: &Value, params: &mut Params) -> String {
    let (name, kind) = (term.field.name, term.field.kind);
    match value {
        Value::Empty => empty(name, kind),
        Value::Text(text) if op == Op::Holds => {
            let place = params.add("String", text.as_str());
            format!("positionCaseInsensitiveUTF8({name}, {place}) > 0")
        }
        Value::Text(text) => {
            let place = params.add("String", text.as_str());
            match kind {
                Kind::Addresses => format!("has(splitByRegexp(' *, *', {name}), {place})"),
                _ => format!("{name} = {place}"),
            }
        }
        Value::Word(word) => format!("{name} = {}", params.add("String", *word)),
        Value::Flag(true) => name.to_owned(),
        Value::Flag(false) => format!("NOT {name}"),
        Value::Time(time) => {
            format!("{name} {} {}", op.as_str(), params.add("DateTime64(3, 'UTC')", *time))
        }
        Value::Number(number) => {
            let (op, place) = (op.as_str(), params.add("UInt64", *number));
            match kind {
                Kind::MaybeSeconds | Kind::MaybeMicros => {
                    format!("ifNull({name} {op} {place}, false)")
                }
                Kind::Status => format!("{name} != 0 AND {name} {op} {place}"),
                Kind::Statuses => {
                    format!("arrayExists(t -> t != 0 AND t {op} {place}, {TRIES})")
                }
                _ => format!("{name} {op} {place}"),
            }
        }
        Value::Range(range) => match kind {
            Kind::Addresses => {
                let within = within("a", *range, params);
                let bare = format!(
                    "arrayMap(a -> replaceRegexpOne(a, '^\\\\[?([^\\\\]]*)\\\\]?:[0-9]+$', '\\\\1'), \
                     splitByRegexp(' *, *', {name}))"
                );
                format!("arrayExists(a -> {within}, {bare})")
            }
            _ => within(name, *range, params),
        },
    }
}

fn empty(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Status => format!("{name} = 0"),
        Kind::Statuses => NO_TRY.to_owned(),
        Kind::Addresses => format!("match({name}, '^[-, ]*$')"),
        Kind::MaybeSeconds | Kind::MaybeMicros => format!("isNull({name})"),
        _ => format!("{name} = ''"),
    }
}

/// Whether a text is an address of the range; a text that is none is not. All addresses are
/// compared in the form of IPv6, in which those of IPv4 are a part of their own.
fn within(text: &str, range: IpNet, params: &mut Params) -> String {
    let mapped = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => address.to_ipv6_mapped().to_string(),
        std::net::IpAddr::V6(address) => address.to_string(),
    };
    let first = params.add("String", mapped(range.network()));
    let last = params.add("String", mapped(range.broadcast()));
    let within = format!(
        "ifNull(toIPv6OrNull({text}) >= toIPv6({first}) AND toIPv6OrNull({text}) <= toIPv6({last}), \
         false)"
    );
    match range {
        IpNet::V4(_) => within,
        IpNet::V6(_) => format!("{within} AND NOT isIPv4String({text})"),
    }
}
