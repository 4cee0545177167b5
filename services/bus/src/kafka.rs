//! Kafka: the source of many consumers, the shipper from a spool, and what closing an hour asks.
//!
//! One topic holds the records of all gateways. A message has the stream as its key and stands in
//! the partition that was chosen for its stream; `seq` and hash travel in a header ([`message`]), so
//! that what can not be decoded still has its place.
//!
//! - The topic is checked as soon as a broker answers, before anything is sent or read; it is made
//!   when it is not there, and refused when it could lose or refuse records ([`TopicError`]).
//! - Nothing here needs the broker to be up when it starts; everything waits for it.
//! - The classic group protocol, cooperative: a member keeps what it has while others come and go.

mod client;
mod config;
mod ends;
mod message;
mod shipper;
mod source;
mod span;
mod topic;

pub use config::{Compression, Config, Mechanism, Sasl, Security, Tls, read};
pub use ends::{Ends, EndsError, is_live};
pub use message::{HASH_HEADER, PLACE_HEADER, REFUSED_HEADER, SEQ_HEADER, STREAM_HEADER, headers};
pub use shipper::{Shipper, ShipperState};
pub use source::{KafkaSource, StartError};
pub use span::{Kept, SpanError, SpanReader, kept, stamped_since};
pub use topic::TopicError;

#[cfg(test)]
mod tests;
