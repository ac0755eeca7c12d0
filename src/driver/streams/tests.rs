//! Against a listener on the loopback interface.

use std::net::{TcpListener, TcpStream as Blocking};
use std::time::Duration;

use mio::{Events, Poll};

use super::*;

const STREAM: SocketId = SocketId::new(256);
const MAIN: &str = "127.0.0.1:9";

struct Bench {
    poll: Poll,
    streams: Streams,
    buffer: Vec<u8>,
}

impl Bench {
    fn connect(server: SocketAddr) -> Self {
        let poll = Poll::new().unwrap();
        let streams = Streams::new(poll.registry().try_clone().unwrap());
        streams.connect(STREAM, (MAIN.parse().unwrap(), server)).unwrap();
        Self { poll, streams, buffer: vec![0; 65_536] }
    }

    fn to(listener: &TcpListener) -> (Self, Blocking) {
        let bench = Self::connect(listener.local_addr().unwrap());
        (bench, listener.accept().unwrap().0)
    }

    /// The next thing that is seen.
    fn look(&mut self) -> Seen {
        let mut events = Events::with_capacity(4);
        loop {
            match self.streams.look(STREAM, &mut self.buffer) {
                Seen::Nothing => {}
                seen => return seen,
            }
            self.poll.poll(&mut events, Some(Duration::from_secs(9))).unwrap();
            let about = events.iter().map(|event| number(event.token())).next();
            assert_eq!(about, Some(Some(STREAM)), "nothing happens");
        }
    }
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// ChannelData, each with its number inside.
fn message(place: u32) -> Vec<u8> {
    [&[0x40, 1, 0x04, 0xb0][..], &place.to_be_bytes(), &[7; 1196]].concat()
}

#[test]
fn what_was_sent_before_there_was_a_connection_arrives_and_is_answered() {
    let listener = listener();
    let (mut bench, mut relay) = Bench::to(&listener);
    bench.streams.send(STREAM, &message(1));
    assert_eq!(bench.look(), Seen::Connected);
    bench.streams.send(STREAM, &message(2));
    let mut heard = vec![0; 2 * message(1).len()];
    relay.read_exact(&mut heard).unwrap();
    assert_eq!(heard, [message(1), message(2)].concat());
    relay.write_all(b"answer").unwrap();
    assert_eq!(bench.look(), Seen::Read(6));
    assert_eq!(&bench.buffer[..6], b"answer");
    drop(relay);
    assert_eq!(bench.look(), Seen::Ended);
    assert_eq!(bench.streams.look(STREAM, &mut bench.buffer), Seen::Nothing);
}

#[test]
fn a_relay_that_does_not_read_costs_whole_messages_and_nobody_waits() {
    const SENT: u32 = 30_000;
    let listener = listener();
    let (mut bench, mut relay) = Bench::to(&listener);
    assert_eq!(bench.look(), Seen::Connected);
    for place in 0..SENT {
        bench.streams.send(STREAM, &message(place));
    }
    let reading = std::thread::spawn(move || {
        let (mut heard, mut last) = (0, None);
        let mut next = message(0);
        while relay.read_exact(&mut next).is_ok() {
            let place = u32::from_be_bytes([next[4], next[5], next[6], next[7]]);
            assert!(next == message(place) && last.is_none_or(|last| last < place));
            (heard, last) = (heard + 1, Some(place));
            if place == SENT {
                break;
            }
        }
        heard
    });
    // What waits leaves when the poll tells of room, and then there is room for more.
    let mut events = Events::with_capacity(4);
    while bench.streams.all.lock().values().any(|it| !it.queue.front().is_empty()) {
        bench.poll.poll(&mut events, Some(Duration::from_secs(9))).unwrap();
        assert!(!events.is_empty());
        assert_eq!(bench.streams.look(STREAM, &mut bench.buffer), Seen::Nothing);
    }
    bench.streams.send(STREAM, &message(SENT));
    let heard = reading.join().unwrap();
    assert!(heard > 100 && heard < SENT, "{heard}");
}

#[test]
fn a_port_where_nobody_listens_ends_the_attempt() {
    let nobody = listener().local_addr().unwrap();
    let poll = Poll::new().unwrap();
    let streams = Streams::new(poll.registry().try_clone().unwrap());
    // Some systems say so at once.
    if streams.connect(STREAM, (MAIN.parse().unwrap(), nobody)).is_ok() {
        let mut bench = Bench { poll, streams, buffer: vec![0; 100] };
        assert_eq!(bench.look(), Seen::Ended);
    }
}

#[test]
fn tokens_of_streams_are_no_others() {
    for stream in [0, u16::MAX].map(SocketId::new) {
        assert_eq!(number(token(stream)), Some(stream));
        assert_eq!(crate::driver::spares::number(token(stream)), None);
    }
    assert_eq!(number(Token(1)), None);
}
