//! The closed lists of words that stand in a record.
//!
//! A word outside its list is an error, never a default: prices depend on most of them.

/// An enum whose values are words of the JSON form: `as_str`, `parse`, `Display`, `FromStr`.
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$item_doc])* $item,)+ }

        impl $name {
            /// Every value, in the order of its declaration.
            $vis const ALL: &'static [Self] = &[$(Self::$item,)+];

            /// The word as it stands in a record.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$item => $word,)+ }
            }

            /// The value of a word; `None` for any other text.
            $vis fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$item),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What kind of record it is. Only `Final` is a call.
    #[derive(Default)]
    pub enum Part {
        /// The one record of a request that says how it ended.
        #[default]
        Final = "final",
        /// The first record of a stream.
        Start = "start",
        /// The bytes so far of a connection that lives long. No call.
        Interim = "interim",
        /// Nothing happened, and nothing is lost.
        Heartbeat = "heartbeat",
        /// The last record of a stream.
        End = "end",
    }
}

words! {
    /// Whose failure it was, from the real state of both connections.
    #[derive(Default)]
    pub enum Fault {
        /// Nobody's: it went well.
        #[default]
        None = "none",
        /// The client's.
        Client = "client",
        /// The gateway's own.
        Gateway = "gateway",
        /// The backend's.
        Backend = "backend",
    }
}

words! {
    /// Through which kind of network a peer is reached. Private traffic is free.
    #[derive(Default)]
    pub enum Net {
        /// Over the public network.
        #[default]
        Public = "public",
        /// Within private address ranges.
        Private = "private",
    }
}

words! {
    /// Kind of gateway instance; prices depend on it.
    #[derive(Default)]
    pub enum InstanceType {
        /// Shared with other accounts.
        #[default]
        Shared = "shared",
        /// For one account alone.
        Dedicated = "dedicated",
    }
}
