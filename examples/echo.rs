//! An echo server and its client, with threads. Run it in two terminals:
//!
//! ```text
//! cargo run --example echo                      prints a peer id and an address
//! cargo run --example echo -- <peer id> <address> hello
//! ```

use std::error::Error;
use std::io::{self, Read, Write};
use std::thread;

use srudp::{ApplicationCode, Connection, Endpoint, PeerId};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => serve(),
        [peer, address, message] => ask(peer.parse()?, address, message),
        _ => Err("usage: echo [<peer id> <address> <message>]".into()),
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    // Without `identity` each run is somebody else. A real server stores one.
    let endpoint = Endpoint::builder().accept(true).bind("127.0.0.1:0")?;
    println!("{} {}", endpoint.peer_id(), endpoint.local_addr());
    for connection in endpoint.incoming() {
        thread::spawn(move || echo(&connection));
    }
    Ok(())
}

fn echo(connection: &Connection) {
    println!("{} has come", connection.peer_id());
    for stream in connection.streams() {
        thread::spawn(move || {
            // `&Stream` reads and writes, so one handle does both. Dropping it ends the stream.
            if let Err(error) = io::copy(&mut &stream, &mut &stream) {
                eprintln!("stream {}: {error}", stream.id());
            }
        });
    }
    println!("{} has gone: {}", connection.peer_id(), connection.closed());
}

fn ask(peer: PeerId, address: &str, message: &str) -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::builder().bind("0.0.0.0:0")?;
    let connection = endpoint.connect(peer, address)?;
    let mut stream = connection.open_stream()?;
    stream.write_all(message.as_bytes())?;
    stream.end()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("{answer}");
    connection.close(ApplicationCode::ZERO, b"thank you")?;
    Ok(())
}
