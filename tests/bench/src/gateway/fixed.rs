//! A client that asks at a fixed rate, whatever the answers take.
//!
//! Each request has its moment in a plan made beforehand; its latency counts from there, so a
//! proxy that stalls is charged for all the requests that waited meanwhile ("coordinated omission"
//! is corrected). A request whose moment has come takes a connection that is free, or waits for
//! the first one. One thread: a timer of the plan's interval and the connections, in one epoll.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::load::{OPEN, Request};
use super::wire;
use crate::clock::wall_ns;
use crate::process::LOAD_CORE;

/// The timer's place among the connections.
const TIMER: u64 = u64::MAX;
/// An answer of the small kind and its head.
const ANSWER_MAX: usize = 16 << 10;
/// After the last moment of the plan; what is not answered by then never will be.
const LAST_MAX: Duration = Duration::from_secs(30);

/// What a run came to: nanoseconds from the planned moment to the whole answer, sorted.
pub(super) struct Latencies(Vec<u64>);

struct Client {
    epoll: OwnedFd,
    timer: OwnedFd,
    connections: Vec<Connection>,
    /// Connections that wait for a request; the one that waits longest comes first.
    free: VecDeque<usize>,
    /// Planned moments whose request found no connection.
    due: VecDeque<u64>,
    request: Vec<u8>,
    done: Vec<u64>,
}

struct Connection {
    stream: TcpStream,
    planned: u64,
    buffer: Vec<u8>,
    held: usize,
}

/// Asks so many times a second, for so many seconds.
pub(super) fn run(
    address: SocketAddr,
    rate: f64,
    seconds: u32,
    request: &Request,
) -> Result<Latencies> {
    let client = || -> Result<Latencies> {
        let mut core = CpuSet::new();
        core.set(LOAD_CORE);
        // On a machine with one core it stays where it is.
        sched_setaffinity(None, &core).ok();
        let client = Client::new(address, wire::request(request))?;
        client.run(1e9 / rate, (rate * f64::from(seconds)) as u64)
    };
    let run = std::thread::scope(|scope| scope.spawn(client).join());
    run.unwrap_or_else(|_| anyhow::bail!("the client panicked"))
}

// === impl Latencies ===

impl Latencies {
    /// Microseconds below which this share lies.
    pub(super) fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let index = (self.0.len() as f64 * share) as usize;
        self.0.get(index.min(last)).map_or(0.0, |nanos| *nanos as f64 / 1000.0)
    }
}

// === impl Client ===

impl Client {
    fn new(address: SocketAddr, request: Vec<u8>) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        let mut connections = Vec::new();
        for number in 0..OPEN {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = EventData::new_u64(u64::from(number));
            epoll::add(&epoll, stream.as_fd(), data, EventFlags::IN)?;
            let buffer = vec![0; ANSWER_MAX];
            connections.push(Connection { stream, planned: 0, buffer, held: 0 });
        }
        let free = (0..connections.len()).collect();
        let (due, done) = (VecDeque::new(), Vec::new());
        Ok(Self { epoll, timer, connections, free, due, request, done })
    }

    /// `interval` in nanoseconds.
    fn run(mut self, interval: f64, requests: u64) -> Result<Latencies> {
        let begin = wall_ns();
        let moment = |number: u64| begin + (number as f64 * interval) as u64;
        self.set_timer(interval as u64)?;
        let deadline = moment(requests) + u64::try_from(LAST_MAX.as_nanos())?;
        let (mut planned, mut events) = (0, Vec::with_capacity(256));
        while (self.done.len() as u64) < requests {
            events.clear();
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None)?;
            for event in &events {
                match event.data.u64() {
                    // The plan says what is due; how often the timer fired does not matter.
                    TIMER => drop(rustix::io::read(&self.timer, &mut [0_u8; 8])),
                    number => self.answered(usize::try_from(number)?)?,
                }
            }
            let now = wall_ns();
            while planned < requests && moment(planned) <= now {
                self.due.push_back(moment(planned));
                planned += 1;
            }
            self.send()?;
            ensure!(now < deadline, "only {} of {requests} were answered", self.done.len());
        }
        self.done.sort_unstable();
        Ok(Latencies(self.done))
    }

    fn set_timer(&self, interval: u64) -> Result<()> {
        let interval = Timespec {
            tv_sec: i64::try_from(interval / 1_000_000_000)?,
            tv_nsec: i64::try_from(interval % 1_000_000_000)?,
        };
        let timer = Itimerspec { it_interval: interval, it_value: interval };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &timer)?;
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        while !self.due.is_empty() {
            let Some(number) = self.free.pop_front() else { return Ok(()) };
            let connection = &mut self.connections[number];
            connection.planned = self.due.pop_front().context("it is not empty")?;
            let sent = connection.stream.write(&self.request)?;
            ensure!(sent == self.request.len(), "a small request does not fit into the socket");
        }
        Ok(())
    }

    fn answered(&mut self, number: usize) -> Result<()> {
        let connection = &mut self.connections[number];
        match connection.stream.read(&mut connection.buffer[connection.held..]) {
            Ok(0) => anyhow::bail!("a connection was closed"),
            Ok(count) => connection.held += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if wire::length(&connection.buffer[..connection.held])? == Some(connection.held) {
            connection.held = 0;
            self.done.push(wall_ns().saturating_sub(connection.planned));
            self.free.push_back(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_latencies_lies_below() {
        let latencies = Latencies((1..=1000).map(|micros| micros * 1000).collect());
        assert_eq!(
            [0.5, 0.99, 0.999, 1.0].map(|share| latencies.at(share)),
            [501.0, 991.0, 1000.0, 1000.0]
        );
        assert_eq!(Latencies(Vec::new()).at(0.5), 0.0);
    }

    /// Accepts all connections, and answers so many requests on the first ones, in their order.
    fn server(answers: usize) -> (SocketAddr, std::thread::JoinHandle<Vec<TcpStream>>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let serve = move || {
            let mut streams: Vec<TcpStream> =
                (0..OPEN).map(|_| listener.accept().expect("a client").0).collect();
            let mut asked = [0_u8; 4096];
            for stream in &mut streams[..answers] {
                assert_ne!(stream.read(&mut asked).expect("a request"), 0);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).expect("it listens");
            }
            streams
        };
        (address, std::thread::spawn(serve))
    }

    #[test]
    fn all_of_the_plan_is_asked() {
        let (address, server) = server(40);
        let done = run(address, 40.0, 1, &Request::small(false)).expect("all are answered");
        drop(server.join());
        assert_eq!(done.0.len(), 40);
    }

    #[test]
    fn a_latency_counts_from_the_planned_moment() {
        let (address, server) = server(1);
        let request = wire::request(&Request::small(false));
        let mut client = Client::new(address, request).expect("connections");
        // Its moment came five seconds ago, and no connection was free until now.
        let ago = Duration::from_secs(5);
        let nanos = u64::try_from(ago.as_nanos()).expect("a number");
        client.due.push_back(wall_ns() - nanos);
        client.send().expect("it is sent");
        let mut events = Vec::with_capacity(8);
        while client.done.is_empty() {
            epoll::wait(&client.epoll, rustix::buffer::spare_capacity(&mut events), None)
                .expect("an event");
            client.answered(0).expect("an answer");
        }
        drop(server.join());
        assert!(client.done[0] >= nanos, "{} ns", client.done[0]);
    }
}
