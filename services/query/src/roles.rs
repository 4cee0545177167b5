//! Which role may read what: the one table, and nothing else decides it.
//!
//! Whose rows a token may read is another question, answered by [`crate::scope`].

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs Tollgate.
    Operator,
    /// Pays the bills, or writes them.
    Finance,
    /// Checks them, on the platform's behalf.
    Auditor,
    /// Owns services and sells them.
    Seller,
    /// Bought calls of somebody's product.
    Buyer,
    /// Explains single requests.
    Support,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// One record by its id.
    Logs,
    /// Bills of an hour.
    Bills,
    /// The proof of an hour, or an account's share of it.
    Proofs,
    /// Counts of a marketplace order.
    Orders,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Operator, Self::Finance, Self::Auditor, Self::Seller, Self::Buyer, Self::Support];

    /// Its name in tokens and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
            Self::Seller => "seller",
            Self::Buyer => "buyer",
            Self::Support => "support",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether a token of this role may be for all accounts. Sellers and buyers are parties: they
    /// always are somebody.
    pub const fn may_be_for_all(self) -> bool {
        match self {
            Self::Operator | Self::Finance | Self::Auditor | Self::Support => true,
            Self::Seller | Self::Buyer => false,
        }
    }

    /// The table.
    pub(crate) const fn may_read(self, resource: Resource) -> bool {
        use Resource::{Bills, Logs, Orders, Proofs};
        match self {
            Self::Operator | Self::Finance | Self::Auditor | Self::Seller => {
                matches!(resource, Logs | Bills | Proofs | Orders)
            }
            Self::Buyer => matches!(resource, Logs | Orders),
            Self::Support => matches!(resource, Logs),
        }
    }

    /// Whether it sees a whole hour's proof, all accounts in it. Only with a token for all
    /// accounts.
    pub(crate) const fn may_read_whole_proofs(self) -> bool {
        matches!(self, Self::Operator | Self::Auditor)
    }

    /// Whether it sees how the backend was reached, in rows of its own account.
    pub(crate) const fn sees_backends(self) -> bool {
        !matches!(self, Self::Buyer)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_agreed() {
        let table = "
            operator logs bills proofs orders all whole
            finance  logs bills proofs orders all -
            auditor  logs bills proofs orders all whole
            seller   logs bills proofs orders -   -
            buyer    logs -     -      orders -   -
            support  logs -     -      -      all -
        ";
        for line in table.trim().lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let role = Role::parse(words[0]).expect("a role");
            let reads = |word: &str, resource| {
                assert_eq!(role.may_read(resource), word != "-", "{role} {resource:?}");
            };
            reads(words[1], Resource::Logs);
            reads(words[2], Resource::Bills);
            reads(words[3], Resource::Proofs);
            reads(words[4], Resource::Orders);
            assert_eq!(role.may_be_for_all(), words[5] != "-", "{role}");
            assert_eq!(role.may_read_whole_proofs(), words[6] != "-", "{role}");
        }
        assert_eq!(table.trim().lines().count(), Role::ALL.len());
    }
}
