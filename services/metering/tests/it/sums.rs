//! A closing asks the sums that stand with the rows. A statement whose text is not that of a
//! projection, letter by letter, reads every row of the hour instead, and says nothing.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use metering::Closer;
use store::{QueryError, Sql};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{Gateway, World, at, prices, run};

/// What a statement says that is meant to be answered from sums, or from what a part knows of itself.
const MEANT: &str = "toStartOfHour(";

/// With this setting a statement fails that has to read rows.
const SUMS_ONLY: &str = "&force_optimize_projection=1";

/// `PROJECTION_NOT_USED`
const NO_SUMS: u32 = 584;

/// A port in front of the engine, which lets no statement that is meant for sums read rows.
struct Strict {
    port: u16,
    /// Such statements, each once.
    seen: Arc<Mutex<BTreeSet<String>>>,
}

// === impl Strict ===

impl Strict {
    /// Listens on a free port for the engine at `url`.
    async fn start(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::<Mutex<BTreeSet<String>>>::default();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request, and its answer until the engine closes.
async fn relay(
    mut client: TcpStream,
    target: String,
    seen: Arc<Mutex<BTreeSet<String>>>,
) -> io::Result<()> {
    let (head, body) = request(&mut client).await?;
    // Of a statement with parameters the body has several parts.
    let text = String::from_utf8_lossy(&body);
    let meant = text.split("\r\n").find(|part| part.contains(MEANT));
    if let Some(meant) = meant {
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(meant.to_owned());
    }
    let settings = if meant.is_some() { SUMS_ONLY } else { "" };
    let head = head.replacen(" HTTP/1.1\r\n", &format!("{settings} HTTP/1.1\r\n"), 1);
    let mut server = TcpStream::connect(target).await?;
    server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await?;
    server.write_all(&body).await?;
    copy(&mut server, &mut client).await.map(drop)
}

/// The lines of a request's head, and its body, whose length they tell.
async fn request(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        if client.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = read.split_off(end + 4);
    read.truncate(end + 2);
    let head = String::from_utf8(read).expect("a head is a text");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().expect("a length"))
    });
    let seen = body.len();
    body.resize(length.expect("statements tell their length"), 0);
    client.read_exact(&mut body[seen..]).await?;
    Ok((head, body))
}

#[test]
fn an_hour_is_closed_from_the_sums_that_stand_with_its_rows() {
    run(async {
        let world = World::new("sums").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 10), 3));
        messages.push(gateway.beat(at(14, 5)));
        world.take("spool:g", messages).await.expect("taken");

        let strict = Strict::start(&world.endpoint.url).await;
        let store = world.through(strict.port);
        let (config, counters) = (world.config.clone(), Arc::clone(&world.counters));
        let clock = Arc::new(|| at(14, 10));
        let prices = Some(prices(""));
        let closer = Closer::start(store.clone(), config, counters, prices, vec![], clock).await;
        let round = closer.expect("a closer").round().await;
        let seen = strict.seen();
        let round = round.unwrap_or_else(|error| panic!("{error:?} after {seen:#?}"));
        assert_eq!(round.closed.len(), 1);
        assert_eq!(world.bills().await.len(), 1);
        // The first hour; the hour's numbers, what lies beyond it, and its accounts; the figures of
        // its proof, and its use.
        assert_eq!(seen.len(), 6, "{seen:#?}");

        // The setting does what it is here for.
        let rows = "SELECT max(rsp_len) AS n FROM records WHERE toStartOfHour(time) > 0";
        let refused = store.execute(&Sql::new(rows)).await.expect_err("no sums are kept of that");
        assert!(matches!(refused, QueryError::Server { code: NO_SUMS, .. }), "{refused:?}");
    });
}
