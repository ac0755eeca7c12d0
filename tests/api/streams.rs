//! Reading and writing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use srudp::ApplicationCode;
use srudp::proto::{ReadError, TransportConfig, WriteError};

use crate::pair::{Pair, in_time, pattern, timed};

fn inner<E: std::error::Error + 'static>(error: &io::Error) -> &E {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

#[test]
fn what_one_side_writes_the_other_reads_in_both_directions() {
    let pair = Pair::new();
    let mut ours = pair.dialler.open_stream().unwrap();
    ours.write_all(b"ping").unwrap();
    let mut theirs = pair.listener.accept_stream().unwrap();
    let mut buffer = [0; 4];
    theirs.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"ping");
    theirs.write_all(b"pong").unwrap();
    theirs.finish().unwrap();
    let mut answer = Vec::new();
    ours.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"pong");
    assert_eq!(ours.read(&mut buffer).unwrap(), 0, "the end stays the end");
}

#[test]
fn large_transfers_cross_each_other_intact() {
    in_time(|| {
        let pair = Pair::new();
        let data = pattern(16 << 20);
        let mut ours = pair.dialler.open_stream().unwrap();
        ours.write_all(b"x").unwrap();
        let mut theirs = pair.listener.accept_stream().unwrap();
        theirs.read_exact(&mut [0]).unwrap();
        thread::scope(|scope| {
            for stream in [&ours, &theirs] {
                let data = &data;
                scope.spawn(move || {
                    (&*stream).write_all(data).unwrap();
                    stream.finish().unwrap();
                });
                scope.spawn(move || {
                    let mut received = Vec::new();
                    (&*stream).read_to_end(&mut received).unwrap();
                    assert!(received == *data);
                });
            }
        });
    });
}

#[test]
fn bytes_are_written_without_a_copy_and_arrive_intact() {
    in_time(|| {
        let pair = Pair::new();
        let data = pattern(4 << 20);
        let (sender, expected) = (pair.dialler.open_uni().unwrap(), data.clone());
        let writer = thread::spawn(move || {
            sender.write_bytes(data).unwrap();
            sender.finish().unwrap();
        });
        let mut received = Vec::new();
        pair.listener.accept_uni().unwrap().read_to_end(&mut received).unwrap();
        assert!(received == expected);
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_may_look_and_take_only_a_part() {
    let pair = Pair::new();
    let sender = pair.dialler.open_uni().unwrap();
    (&sender).write_all(b"one\ntwo").unwrap();
    sender.end().unwrap();
    let receiver = pair.listener.accept_uni().unwrap();
    let line = || {
        let mut line = Vec::new();
        let used = receiver.read_with(|data| {
            let end = data.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&data[..end.unwrap_or(data.len())]);
            end.map_or(data.len(), |end| end + 1)
        });
        (used.unwrap(), line)
    };
    assert_eq!(line(), (Some(4), b"one".to_vec()));
    assert_eq!(line(), (Some(3), b"two".to_vec()));
    assert_eq!(line(), (None, Vec::new()));
    assert_eq!(line(), (None, Vec::new()));
}

#[test]
fn a_reader_is_shown_one_piece_after_another_until_it_leaves_some() {
    in_time(|| {
        let pair = Pair::new();
        let data = pattern(100_000);
        let sender = pair.dialler.open_uni().unwrap();
        (&sender).write_all(&data).unwrap();
        sender.finish().unwrap();
        let receiver = pair.listener.accept_uni().unwrap();
        let mut received = Vec::new();
        let mut pieces = 0;
        let mut take = |most: usize| {
            receiver.read_with(|piece| {
                let used = piece.len().min(most);
                received.extend_from_slice(&piece[..used]);
                pieces += 1;
                used
            })
        };
        assert_eq!(take(10).unwrap(), Some(10));
        assert_eq!(take(usize::MAX).unwrap(), Some(data.len() - 10));
        assert_eq!(take(usize::MAX).unwrap(), None);
        assert!(received == data);
        assert!(pieces > 2);
    });
}

#[test]
fn clones_read_and_write_the_same_stream_from_two_threads() {
    in_time(|| {
        let pair = Pair::new();
        let ours = pair.dialler.open_stream().unwrap();
        let mut writer = ours.try_clone().unwrap();
        let echo = thread::spawn(move || {
            let stream = pair.listener.accept_stream().unwrap();
            io::copy(&mut &stream, &mut &stream).unwrap();
            stream.finish().unwrap();
        });
        let data = pattern(1 << 20);
        let expected = data.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&data).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        (&ours).read_to_end(&mut received).unwrap();
        assert!(received == expected);
        writing.join().unwrap();
        echo.join().unwrap();
    });
}

#[test]
fn a_read_that_takes_too_long_times_out_and_can_be_repeated() {
    let pair = Pair::new();
    let mut ours = pair.dialler.open_stream().unwrap();
    ours.write_all(b"x").unwrap();
    let mut theirs = pair.listener.accept_stream().unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let (result, took) = timed(|| ours.read(&mut [0]));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    inner::<srudp::Elapsed>(&error);
    assert!(took >= Duration::from_millis(20));
    ours.set_read_timeout(Some(Duration::ZERO)).unwrap();
    assert_eq!(ours.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    ours.set_read_timeout(None).unwrap();
    theirs.write_all(b"y").unwrap();
    assert_eq!(ours.read(&mut [0]).unwrap(), 1);
}

#[test]
fn a_write_waits_while_nobody_reads_and_times_out() {
    let transport = TransportConfig::default().send_buffer(256 << 10).max_window(256 << 10);
    let pair = Pair::with(transport.initial_windows(64 << 10, 64 << 10));
    let mut ours = pair.dialler.open_stream().unwrap();
    ours.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let error = ours.write_all(&[0; 4 << 20]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    ours.set_write_timeout(Some(Duration::ZERO)).unwrap();
    assert_eq!(ours.write(&[0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn the_peer_hears_the_code_of_a_reset_and_of_a_stop() {
    in_time(|| {
        let pair = Pair::new();
        let mut ours = pair.dialler.open_stream().unwrap();
        ours.write_all(b"x").unwrap();
        let mut theirs = pair.listener.accept_stream().unwrap();
        ours.reset(ApplicationCode::new(7));
        let error = loop {
            match theirs.read(&mut [0; 10]) {
                Ok(read) => assert_ne!(read, 0),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(*inner::<ReadError>(&error), ReadError::Reset(ApplicationCode::new(7)));
        assert_eq!(theirs.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);

        ours.stop(ApplicationCode::new(9));
        let error = loop {
            if let Err(error) = theirs.write_all(&[0; 1000]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let stopped = WriteError::Stopped(ApplicationCode::new(9));
        assert_eq!(*inner::<WriteError>(&error), stopped);
        let error = theirs.finish().unwrap_err();
        assert_eq!(*inner::<WriteError>(&error), stopped);
    });
}

#[test]
fn finish_fails_when_the_peer_stops_the_stream_meanwhile() {
    in_time(|| {
        let transport = TransportConfig::default().initial_windows(1000, 1000).max_window(1000);
        let pair = Pair::with(transport);
        let mut sender = pair.dialler.open_uni().unwrap();
        sender.write_all(&[0; 10_000]).unwrap();
        let receiver = pair.listener.accept_uni().unwrap();
        let finishing = thread::spawn(move || sender.finish());
        thread::sleep(Duration::from_millis(20));
        receiver.stop(ApplicationCode::new(3));
        let error = finishing.join().unwrap().unwrap_err();
        assert_eq!(*inner::<WriteError>(&error), WriteError::Stopped(ApplicationCode::new(3)));
    });
}

#[test]
fn a_dropped_sender_ends_its_stream_and_a_dropped_receiver_stops_it() {
    in_time(|| {
        let pair = Pair::new();
        let mut sender = pair.dialler.open_uni().unwrap();
        sender.write_all(b"all of it").unwrap();
        drop(sender);
        let mut receiver = pair.listener.accept_uni().unwrap();
        let mut received = Vec::new();
        receiver.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"all of it");

        let mut sender = pair.dialler.open_uni().unwrap();
        sender.write_all(b"x").unwrap();
        drop(pair.listener.accept_uni().unwrap());
        let error = loop {
            if let Err(error) = sender.write_all(&[0; 1000]) {
                break error;
            }
        };
        assert_eq!(*inner::<WriteError>(&error), WriteError::Stopped(ApplicationCode::ZERO));
    });
}

#[test]
fn after_its_end_a_stream_takes_no_more() {
    let pair = Pair::new();
    let mut ours = pair.dialler.open_stream().unwrap();
    ours.write_all(b"x").unwrap();
    ours.finish().unwrap();
    ours.finish().unwrap();
    ours.end().unwrap();
    let error = ours.write(b"y").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(*inner::<WriteError>(&error), WriteError::Finished);
    ours.shutdown(Shutdown::Read).unwrap();
    assert_eq!(*inner::<ReadError>(&ours.read(&mut [0]).unwrap_err()), ReadError::Stopped);
}

#[test]
fn ending_a_stream_here_ends_the_waits_of_its_clones() {
    in_time(|| {
        let transport = TransportConfig::default().send_buffer(64 << 10);
        let pair = Pair::with(transport.initial_windows(1000, 1000).max_window(1000));
        let ours = pair.dialler.open_stream().unwrap();
        let (mut writer, mut reader) = (ours.try_clone().unwrap(), ours.try_clone().unwrap());
        let writing = thread::spawn(move || writer.write_all(&[0; 1 << 20]));
        let reading = thread::spawn(move || reader.read(&mut [0]));
        thread::sleep(Duration::from_millis(20));
        ours.reset(ApplicationCode::ZERO);
        ours.stop(ApplicationCode::ZERO);
        assert_eq!(writing.join().unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
        let error = reading.join().unwrap().unwrap_err();
        assert_eq!(*inner::<ReadError>(&error), ReadError::Stopped);
    });
}
