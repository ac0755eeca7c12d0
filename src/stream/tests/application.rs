//! What an application sees.

use super::*;
use crate::base::limits::STREAM_UNSENT_MAX;

#[test]
fn a_stream_beyond_the_limit_waits_for_the_peer() {
    let (mut a, mut b) = pair(&config());
    let ids: Vec<_> = (0..3).map(|_| a.open(BIDI).unwrap()).collect();
    assert_eq!(a.open(BIDI), None);
    exchange(&mut a, &mut b);
    for id in ids {
        a.reset(id, CODE);
        a.stop(id, CODE);
        exchange(&mut a, &mut b);
        assert_eq!(b.accept(BIDI), Some(id));
        assert_eq!(b.write(id, b"x"), Err(WriteError::Stopped(CODE)));
        assert_eq!(read(&mut b, id), Err(ReadError::Reset(CODE)));
    }
    exchange(&mut a, &mut b);
    assert!(events(&mut a).contains(&StreamEvent::Available(BIDI)));
    assert_eq!(a.open(BIDI), Some(ours(BIDI, 3)));
    assert_eq!((a.stats().open, b.stats().open), (1, 0));
}

#[test]
fn the_first_frame_of_a_stream_opens_all_below() {
    let mut streams = streams(&config());
    streams.on_frame(NOW, &data(theirs(UNI, 2), 0, b"x")).unwrap();
    assert_eq!(streams.stats().open, 1, "untouched streams cost nothing");
    assert_eq!(
        events(&mut streams),
        [StreamEvent::Opened(UNI), StreamEvent::Readable(theirs(UNI, 2))]
    );
    let accepted: Vec<_> = std::iter::from_fn(|| streams.accept(UNI)).collect();
    assert_eq!(accepted, [theirs(UNI, 0), theirs(UNI, 1), theirs(UNI, 2)]);
    assert_eq!(read(&mut streams, theirs(UNI, 0)), Err(ReadError::Blocked));
    assert_eq!(streams.accept(BIDI), None);
}

#[test]
fn a_message_and_its_answer_cross() {
    let (mut a, mut b) = pair(&config());
    let id = a.open(BIDI).unwrap();
    assert_eq!(a.write(id, b"ping"), Ok(4));
    a.finish(id).unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(events(&mut a), [StreamEvent::Finished(id)]);
    assert_eq!(events(&mut b), [StreamEvent::Opened(BIDI), StreamEvent::Readable(id)]);
    assert_eq!(b.accept(BIDI), Some(id));
    assert_eq!(b.peek(id), Ok(&b"ping"[..]));
    b.consume(NOW, RTT, id, 4);
    assert_eq!(b.peek(id), Ok(&[][..]));
    b.consume(NOW, RTT, id, 0);
    b.write(id, b"pong").unwrap();
    b.finish(id).unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(read(&mut a, id), Ok(b"pong".to_vec()));
    assert_eq!(read(&mut a, id), Ok(vec![]));
    assert_eq!((a.stats().open, b.stats().open), (0, 0));
}

#[test]
fn a_half_that_does_not_exist_is_unknown() {
    let (mut a, mut b) = pair(&config());
    let id = a.open(UNI).unwrap();
    assert_eq!(read(&mut a, id), Err(ReadError::Unknown));
    a.write(id, b"x").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.write(id, b"x"), Err(WriteError::Unknown));
    assert_eq!(b.finish(id), Err(WriteError::Unknown));
    assert_eq!(b.write(ours(UNI, 1), b"x"), Err(WriteError::Unknown));
    assert_eq!(a.peek(ours(BIDI, 0)), Err(ReadError::Unknown));
}

#[test]
fn a_stopped_writer_learns_the_code_and_the_stream_closes() {
    let (mut a, mut b) = pair(&config());
    let id = a.open(UNI).unwrap();
    a.write(id, &[0; 500]).unwrap();
    exchange(&mut a, &mut b);
    events(&mut a);
    b.stop(id, CODE);
    exchange(&mut a, &mut b);
    assert_eq!(events(&mut a), [StreamEvent::Stopped { id, code: CODE }]);
    assert_eq!(b.stats().open, 0);
    assert_eq!(a.write(id, b"x"), Err(WriteError::Stopped(CODE)));
    assert_eq!(a.stats().open, 0);
    assert_eq!(a.write(id, b"x"), Err(WriteError::Unknown));
}

#[test]
fn a_blocked_writer_is_told_once_when_there_is_room() {
    let mut streams = streams(&StreamConfig::default());
    let id = streams.open(UNI).unwrap();
    let big = vec![0; 1 << 20];
    assert_eq!(streams.write(id, &big), Ok(128 << 10));
    assert_eq!(streams.write(id, &big), Err(WriteError::Blocked));
    for packet in packets(&mut streams) {
        settle(&mut streams, &packet, Fate::Acked);
    }
    assert_eq!(events(&mut streams), [StreamEvent::Writable(id)]);
    assert_eq!(streams.write(id, &big), Ok(128 << 10));
}

#[test]
fn a_larger_congestion_window_wakes_blocked_writers() {
    let mut streams = streams(&StreamConfig::default());
    let id = streams.open(UNI).unwrap();
    let big = vec![0; 1 << 20];
    streams.write(id, &big).unwrap();
    streams.write(id, &big).unwrap_err();
    streams.on_send_window(1 << 20, STREAM_UNSENT_MAX);
    assert_eq!(events(&mut streams), [StreamEvent::Writable(id)]);
    assert_eq!(streams.write(id, &big), Ok(128 << 10), "no more than may wait unsent");
}

#[test]
fn a_full_connection_blocks_every_writer_until_some_stream_makes_room() {
    let config = StreamConfig { send_buffer: 1000, ..StreamConfig::default() };
    let mut streams = streams(&config);
    let (one, other) = (streams.open(UNI).unwrap(), streams.open(UNI).unwrap());
    assert_eq!(streams.write(one, &[0; 2000]), Ok(1000));
    assert_eq!(streams.write(other, &[0; 2000]), Err(WriteError::Blocked));
    streams.reset(one, CODE);
    assert_eq!(events(&mut streams), [StreamEvent::Writable(other)]);
    assert_eq!(streams.write(other, &[0; 2000]), Ok(1000));
}

#[test]
fn draining_waits_for_data_fins_and_resets() {
    let mut streams = streams(&config());
    assert!(streams.is_drained());
    let (first, second) = (streams.open(UNI).unwrap(), streams.open(UNI).unwrap());
    assert!(streams.is_drained(), "an idle open stream has nothing to drain");
    streams.write(first, b"data").unwrap();
    let written = packet(&mut streams, 1200).unwrap();
    assert!(!streams.is_drained());
    settle(&mut streams, &written, Fate::Acked);
    assert!(streams.is_drained());
    streams.finish(first).unwrap();
    streams.reset(second, CODE);
    let ends = packet(&mut streams, 1200).unwrap();
    assert!(!streams.is_drained());
    settle(&mut streams, &ends, Fate::Lost);
    assert!(!streams.is_drained());
    let ends = packet(&mut streams, 1200).unwrap();
    settle(&mut streams, &ends, Fate::Acked);
    assert!(streams.is_drained());
    assert_eq!(streams.stats().open, 0);
}

#[test]
fn a_stream_is_finished_when_all_of_it_is_acknowledged_and_ever_after() {
    let (mut a, mut b) = pair(&config());
    let id = a.open(BIDI).unwrap();
    a.write(id, b"x").unwrap();
    exchange(&mut a, &mut b);
    assert!(!a.is_finished(id));
    a.finish(id).unwrap();
    assert!(!a.is_finished(id));
    exchange(&mut a, &mut b);
    assert!(a.is_finished(id));
    a.stop(id, CODE);
    b.reset(id, CODE);
    exchange(&mut a, &mut b);
    assert_eq!(a.stats().open, 0);
    assert!(a.is_finished(id), "forgotten");
    assert!(!a.is_finished(ours(BIDI, 1)), "never opened");
    assert!(!a.is_finished(theirs(BIDI, 0)), "never opened by the peer");
    a.on_frame(NOW, &data(theirs(BIDI, 1), 0, b"x")).unwrap();
    assert!(!a.is_finished(theirs(BIDI, 0)), "opened by a higher one, and untouched");
}
