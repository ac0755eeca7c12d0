//! Rules that a peer has to keep.

use super::*;

fn after(frames: &[Frame<'_>]) -> Result<(), TransportError> {
    let mut streams = streams(&config());
    streams.open(BIDI).unwrap();
    streams.open(UNI).unwrap();
    frames.iter().try_for_each(|frame| streams.on_frame(NOW, frame))
}

fn every_frame_about(id: StreamId) -> [(Frame<'static>, bool); 5] {
    [
        (Frame::Stream { id, offset: 0, data: b"x", fin: false }, true),
        (Frame::ResetStream { id, code: CODE, final_size: 0 }, true),
        (Frame::StreamDataBlocked { id, limit: 0 }, true),
        (Frame::StopSending { id, code: CODE }, false),
        (Frame::MaxStreamData { id, limit: 1 }, false),
    ]
}

#[test]
fn frames_for_a_half_that_does_not_exist_are_stream_state_errors() {
    for (frame, about_receiving) in every_frame_about(ours(UNI, 0)) {
        let expected = if about_receiving { Err(TransportError::STREAM_STATE) } else { Ok(()) };
        assert_eq!(after(&[frame]), expected, "{frame:?}");
    }
    for (frame, about_receiving) in every_frame_about(theirs(UNI, 0)) {
        let expected = if about_receiving { Ok(()) } else { Err(TransportError::STREAM_STATE) };
        assert_eq!(after(&[frame]), expected, "{frame:?}");
    }
}

#[test]
fn frames_for_a_stream_of_ours_that_we_did_not_open_are_stream_state_errors() {
    for (frame, _) in every_frame_about(ours(BIDI, 0)) {
        assert_eq!(after(&[frame]), Ok(()), "{frame:?}");
    }
    for (frame, _) in every_frame_about(ours(BIDI, 1)) {
        assert_eq!(after(&[frame]), Err(TransportError::STREAM_STATE), "{frame:?}");
    }
}

#[test]
fn every_frame_of_the_peer_can_open_its_last_stream_and_none_the_next() {
    for (frame, _) in every_frame_about(theirs(BIDI, 2)) {
        assert_eq!(after(&[frame]), Ok(()), "{frame:?}");
    }
    for (frame, _) in every_frame_about(theirs(BIDI, 3)) {
        assert_eq!(after(&[frame]), Err(TransportError::STREAM_LIMIT), "{frame:?}");
    }
}

#[test]
fn the_connection_limit_is_allowed_and_one_byte_more_is_not() {
    let full = [0; 1000];
    let frames = [data(theirs(BIDI, 0), 0, &full), data(theirs(BIDI, 1), 0, &full)];
    assert_eq!(after(&frames), Ok(()));
    let [first, second] = frames;
    let third = data(theirs(BIDI, 2), 0, &[0]);
    assert_eq!(after(&[first, second, third]), Err(TransportError::FLOW_CONTROL));
}

#[test]
fn gaps_count_against_the_connection_like_data() {
    let far = |index| data(theirs(BIDI, index), 999, &[0]);
    assert_eq!(after(&[far(0), far(1)]), Ok(()));
    assert_eq!(after(&[far(0), far(1), far(2)]), Err(TransportError::FLOW_CONTROL));
}

#[test]
fn the_final_size_of_a_reset_counts_against_the_connection() {
    let reset = |index| Frame::ResetStream { id: theirs(BIDI, index), code: CODE, final_size: 900 };
    let frames = [reset(0), data(theirs(BIDI, 1), 999, &[0])];
    assert_eq!(after(&frames), Ok(()), "the reset gave its credit back");
    let over = Frame::ResetStream { id: theirs(BIDI, 0), code: CODE, final_size: 1001 };
    assert_eq!(after(&[over]), Err(TransportError::FLOW_CONTROL));
}

#[test]
fn final_size_errors_reach_the_connection() {
    let id = theirs(BIDI, 0);
    assert_eq!(after(&[fin(id, 0, b"123"), data(id, 3, b"4")]), Err(TransportError::FINAL_SIZE));
    let reset = Frame::ResetStream { id, code: CODE, final_size: 2 };
    assert_eq!(after(&[fin(id, 0, b"123"), reset]), Err(TransportError::FINAL_SIZE));
}

#[test]
fn data_after_a_reset_is_ignored_and_a_reset_after_all_data_too() {
    let id = theirs(BIDI, 0);
    let reset = Frame::ResetStream { id, code: CODE, final_size: 3 };
    let mut streams = streams(&config());
    streams.on_frame(NOW, &reset).unwrap();
    streams.on_frame(NOW, &fin(id, 0, b"123")).unwrap();
    assert_eq!(read(&mut streams, id), Err(ReadError::Reset(CODE)));
    let id = theirs(BIDI, 1);
    streams.on_frame(NOW, &fin(id, 0, b"123")).unwrap();
    streams.on_frame(NOW, &Frame::ResetStream { id, code: CODE, final_size: 3 }).unwrap();
    assert_eq!(read(&mut streams, id), Ok(b"123".to_vec()));
}

#[test]
fn more_streams_than_ids_exist_cannot_be_allowed() {
    let most = 1 << 60;
    for (limit, expected) in [(most, Ok(())), (most + 1, Err(TransportError::FRAME_ENCODING))] {
        assert_eq!(after(&[Frame::MaxStreams { direction: BIDI, limit }]), expected);
        assert_eq!(after(&[Frame::StreamsBlocked { direction: UNI, limit }]), expected);
    }
}

#[test]
fn frames_for_closed_streams_are_ignored() {
    let id = theirs(UNI, 0);
    let mut streams = streams(&config());
    streams.on_frame(NOW, &fin(id, 0, b"123")).unwrap();
    assert_eq!(streams.accept(UNI), Some(id));
    read(&mut streams, id).unwrap();
    read(&mut streams, id).unwrap();
    assert_eq!(streams.stats().open, 0);
    streams.on_frame(NOW, &fin(id, 0, b"123")).unwrap();
    streams.on_frame(NOW, &Frame::ResetStream { id, code: CODE, final_size: 3 }).unwrap();
    assert_eq!(streams.stats().open, 0, "a closed stream does not come back");
    assert_eq!(read(&mut streams, id), Err(ReadError::Unknown));
}

#[test]
fn other_frames_are_none_of_ours() {
    assert_eq!(after(&[Frame::Ping]), Ok(()));
}
