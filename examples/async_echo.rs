//! An echo server and a client in one process, under tokio. Any other executor does as well: the endpoint's own thread
//! wakes the tasks.
//!
//! ```text
//! cargo run --example async_echo --features tokio
//! ```

use std::error::Error;
use std::time::Duration;

use srudp::{ApplicationCode, Connection, Endpoint};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Endpoint::builder().accept(true).bind("127.0.0.1:0")?;
    let (peer, address) = (server.peer_id(), server.local_addr());
    tokio::spawn(async move {
        while let Ok(connection) = server.accept_async().await {
            tokio::spawn(echo(connection));
        }
    });

    let client = Endpoint::builder().bind("127.0.0.1:0")?;
    let connection = client.connect_async(peer, address).await?;
    let mut stream = connection.open_stream_async().await?.into_async();
    stream.write_all(b"hello").await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    println!("{answer}");
    connection.close_async(ApplicationCode::ZERO, b"", Duration::from_secs(1)).await?;
    Ok(())
}

async fn echo(connection: Connection) {
    while let Ok(stream) = connection.accept_stream_async().await {
        tokio::spawn(async move {
            let (mut send, mut recv) = stream.into_async().into_split();
            if let Err(error) = tokio::io::copy(&mut recv, &mut send).await {
                eprintln!("{error}");
            }
        });
    }
}
