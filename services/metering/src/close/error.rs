//! Why an hour is not closed.

use record::Hour;
use store::QueryError;
use thiserror::Error;

use super::cut::CutError;
use super::proof::ProofError;
use super::usage::UsageError;
use crate::intake::IntakeError;
use crate::owner::Trouble;

/// Why hours are not closed, or can not be shown.
#[derive(Debug, Error)]
pub enum CloseError {
    /// Another closer has taken over: this one stops.
    #[error("another closer has taken over")]
    TakenOver,
    /// The store does not answer, or not with what was asked for.
    #[error("failed to ask the store about hours")]
    Query(#[from] QueryError),
    /// Use can not be counted.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A step was not certainly done; it is done over.
    #[error("a step of a closing is done over: {reason}")]
    Doubt {
        /// What happened.
        reason: String,
    },
    /// A stored cut can not be read.
    #[error("failed to read the cut of {hour}")]
    Cut {
        /// The hour.
        hour: Hour,
        /// Why.
        #[source]
        source: CutError,
    },
    /// A stored bill can not be read.
    #[error("failed to read a bill of account `{account}`")]
    Bill {
        /// The account.
        account: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored price book can not be read.
    #[error("the stored price book `{id}` ({sha256}) can not be read:\n{mistakes}")]
    Book {
        /// Its id.
        id: String,
        /// Its hash.
        sha256: String,
        /// What is wrong with it.
        mistakes: String,
    },
    /// A price book is new and would price hours that are cut.
    #[error(
        "price book `{id}` is new and effective from {effective_from}, but hours up to {cut} are \
         cut already: make it effective later"
    )]
    LateBook {
        /// Its id.
        id: String,
        /// Its first hour.
        effective_from: Hour,
        /// The last hour that is cut.
        cut: Hour,
    },
    /// What was counted contradicts what was frozen or billed.
    #[error("the closing of {hour} contradicts itself")]
    Proof {
        /// The hour.
        hour: Hour,
        /// How.
        #[source]
        source: ProofError,
    },
    /// The hour is not cut.
    #[error("{hour} is not cut yet")]
    NotCut {
        /// The hour.
        hour: Hour,
    },
}

impl From<Trouble> for CloseError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Fenced => Self::TakenOver,
            Trouble::Doubt(reason) => Self::Doubt { reason },
        }
    }
}

impl From<IntakeError> for CloseError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::TakenOver { .. } => Self::TakenOver,
            IntakeError::Ack { .. } | IntakeError::OtherGroup { .. } => {
                Self::Doubt { reason: error.to_string() }
            }
        }
    }
}
