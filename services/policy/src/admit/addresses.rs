//! Which addresses may call: a deny list, then an allow list.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::errors::{Entry, admit as entries};

/// The lists of a service or of an API. Empty ones ask for nothing.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// If there are any, only these may call.
    pub(crate) allow: Vec<IpNet>,
    /// These may not, even if they are allowed.
    pub(crate) deny: Vec<IpNet>,
}

// === impl Addresses ===

impl Addresses {
    /// Why `client` is refused, if it is.
    pub(crate) fn refusal(&self, client: Option<IpAddr>) -> Option<&'static Entry> {
        if self.allow.is_empty() && self.deny.is_empty() {
            return None;
        }
        let Some(client) = client else { return Some(&entries::ADDRESS_UNKNOWN) };
        // An IPv4 client of an IPv6 socket is the same client.
        let client = client.to_canonical();
        let has = |list: &[IpNet]| list.iter().any(|network| network.contains(&client));
        let admitted = !has(&self.deny) && (self.allow.is_empty() || has(&self.allow));
        if admitted { None } else { Some(&entries::ADDRESS_REFUSED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allow list, deny list, client, and the refusal.
    type Row =
        (&'static [&'static str], &'static [&'static str], &'static str, Option<&'static str>);

    fn addresses(allow: &[&str], deny: &[&str]) -> Addresses {
        let list = |texts: &[&str]| {
            texts.iter().map(|text| text.parse().expect("a network")).collect::<Vec<IpNet>>()
        };
        Addresses { allow: list(allow), deny: list(deny) }
    }

    #[test]
    fn the_deny_list_comes_first_and_an_allow_list_is_complete() {
        let (ok, no) = (None, Some("address-refused"));
        let rows: [Row; 9] = [
            (&[], &[], "192.0.2.1", ok),
            (&["192.0.2.0/24"], &[], "192.0.2.1", ok),
            (&["192.0.2.0/24"], &[], "192.0.3.1", no),
            (&["192.0.2.0/24"], &["192.0.2.1/32"], "192.0.2.1", no),
            (&["192.0.2.0/24"], &["192.0.2.1/32"], "192.0.2.2", ok),
            (&[], &["192.0.2.1/32"], "192.0.2.2", ok),
            (&["192.0.2.0/24"], &[], "::ffff:192.0.2.1", ok),
            (&[], &["2001:db8::/32"], "2001:db8::1", no),
            (&["2001:db8::/32"], &[], "192.0.2.1", no),
        ];
        for (allow, deny, client, expect) in rows {
            let client = client.parse().expect("an address");
            let refusal = addresses(allow, deny).refusal(Some(client));
            assert_eq!(refusal.map(|entry| entry.id), expect, "{allow:?} {deny:?} {client}");
        }
    }

    #[test]
    fn an_unknown_client_is_refused_where_addresses_count() {
        assert_eq!(addresses(&[], &[]).refusal(None), None);
        let refusal = addresses(&[], &["192.0.2.1/32"]).refusal(None);
        assert_eq!(refusal.map(|entry| entry.id), Some("address-unknown"));
    }
}
