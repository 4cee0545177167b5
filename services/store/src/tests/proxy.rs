//! A TCP proxy that breaks where a test wants it to.

use std::error::Error;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{Endpoint, Store};

/// Where the one connection that it serves breaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Break {
    /// After so many bytes of the request, which the server has.
    InRequest(u64),
    /// When the server has the whole request and has answered; the client gets nothing of it.
    BeforeAnswer,
    /// After so many bytes of the answer.
    InAnswer(u64),
}

/// A store behind a proxy that serves one connection.
pub(super) async fn behind(
    endpoint: Endpoint,
    place: Break,
) -> Result<(Store, JoinHandle<std::io::Result<()>>), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = endpoint.url.trim_start_matches("http://").to_owned();
    let store = Store::new(Endpoint { url, ..endpoint })?;
    let task = tokio::spawn(async move {
        let (client, _) = listener.accept().await?;
        carry(client, TcpStream::connect(server).await?, place).await
    });
    Ok((store, task))
}

/// Both sockets are closed when it returns.
async fn carry(mut client: TcpStream, mut server: TcpStream, place: Break) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    if let Break::InRequest(bytes) = place {
        copy(&mut (&mut from_client).take(bytes), &mut to_server).await?;
        return Ok(());
    }
    let forth = copy(&mut from_client, &mut to_server);
    let back = async {
        let mut first = [0; 4096];
        let read = from_server.read(&mut first).await?;
        if let Break::InAnswer(bytes) = place {
            let bytes = read.min(bytes as usize);
            to_client.write_all(&first[..bytes]).await?;
        }
        Ok(())
    };
    tokio::select! {
        done = back => done,
        done = forth => done.map(drop),
    }
}
