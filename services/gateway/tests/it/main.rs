//! The gateway over real sockets: raw clients, raw backends, records read back from the spool.
//!
//! - `exact`: every shape of exchange, its record against what the raw sockets saw;
//! - `leaving`: a client, then a backend, that leaves in each phase;
//! - `nodes`: weighted nodes, those that fail, and what is tried again;
//! - `passed`: what passes through between both sides beside the request and its answer;
//! - `refused`: framing, limits and everything that the gateway answers by itself;
//! - `limits`: what is at a limit is served, what is above it is answered;
//! - `proxied`: the PROXY protocol, and proxies that are trusted;
//! - `smuggled`: a second request hidden behind a first, for a backend that would be fooled;
//! - `routed`: each class of paths, domains, versions, and what is placed into requests;
//! - `faulty`: APIs whose settings are faulty, and nobody else notices;
//! - `waiting`: each limit of time;
//! - `retried`: connections that had stood, addresses that do not accept;
//! - `held`: the last byte is never readable before the record is on disk;
//! - `hostile`: shapes that proxies get wrong, on either side;
//! - `memory`: a large body to a reader that stalls;
//! - `full`: a spool without room;
//! - `jumps`: a wall clock that jumps, and the epochs that follow;
//! - `slow`: slow clients, backends that never accept;
//! - `endless`: backends that never stop speaking;
//! - `storm`: everybody at once, and whoever likes leaves;
//! - `catalog`: every error of the catalog, by a request that gets it;
//! - `drained`: the end, heartbeats, interim records, ports in use.

mod admitted;
mod backend;
mod catalog;
mod client;
mod lenient;
mod world;

mod drained;
mod endless;
mod exact;
mod faulty;
mod full;
mod held;
mod hostile;
mod jumps;
mod leaving;
mod limits;
mod memory;
mod nodes;
mod passed;
mod proxied;
mod refused;
mod reload;
mod retried;
mod routed;
mod slow;
mod smuggled;
mod storm;
mod waiting;
