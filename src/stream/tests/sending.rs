//! What goes into packets and what happens when they are lost.

use proptest::prelude::*;

use super::*;

fn frames(packet: &Packet) -> Vec<Frame<'_>> {
    Frames::new(&packet.bytes).map(Result::unwrap).collect()
}

#[test]
fn whoever_wants_to_send_fills_a_packet() {
    let mut streams = streams(&StreamConfig::default());
    let id = streams.open(UNI).unwrap();
    streams.write(id, &[0; 5000]).unwrap();
    let packet = packet(&mut streams, 1200).unwrap();
    assert!(packet.bytes.len() >= 1195, "{}", packet.bytes.len());
}

#[test]
fn small_streams_share_a_packet() {
    let mut streams = streams(&config());
    for _ in 0..3 {
        let id = streams.open(UNI).unwrap();
        streams.write(id, b"short").unwrap();
        streams.finish(id).unwrap();
    }
    assert_eq!(packets(&mut streams).len(), 1);
}

#[test]
fn a_higher_priority_is_sent_first_even_if_set_late() {
    let mut streams = streams(&config());
    let (low, high) = (streams.open(UNI).unwrap(), streams.open(UNI).unwrap());
    streams.write(low, &[0; 900]).unwrap();
    streams.write(high, &[0; 900]).unwrap();
    streams.set_priority(high, 1);
    let packet = packet(&mut streams, 1200).unwrap();
    assert!(matches!(packet.records[0], Record::Stream { id, length: 900, .. } if id == high));
    assert!(matches!(packet.records[1], Record::Stream { id, .. } if id == low));
}

#[test]
fn equal_streams_share_the_connection_evenly() {
    let wide = StreamConfig { stream_window: 1 << 20, ..StreamConfig::default() };
    let mut streams = streams(&StreamConfig { connection_window: 8 << 20, ..wide });
    let ids: Vec<_> = (0..4).map(|_| streams.open(UNI).unwrap()).collect();
    for id in &ids {
        assert_eq!(streams.write(*id, &[0; 128 << 10]), Ok(128 << 10));
    }
    let mut sent = [0_u64; 4];
    for _ in 0..200 {
        for record in packet(&mut streams, 1200).unwrap().records {
            let Record::Stream { id, length, .. } = record else { panic!("{record:?}") };
            sent[id.index() as usize] += u64::from(length);
        }
        let spread = sent.iter().max().unwrap() - sent.iter().min().unwrap();
        assert!(spread <= crate::base::limits::STREAM_TURN + 1200, "{sent:?}");
    }
}

#[test]
fn lost_data_goes_before_new_data_and_needs_no_credit() {
    let mut streams = streams(&config());
    let (first, second) = (streams.open(UNI).unwrap(), streams.open(UNI).unwrap());
    streams.write(first, &[1; 1000]).unwrap();
    let lost = packet(&mut streams, 1200).unwrap();
    streams.write(second, &[2; 1000]).unwrap();
    packet(&mut streams, 1200).unwrap();
    let third = streams.open(UNI).unwrap();
    streams.write(third, b"no credit left").unwrap();
    let blocked = packet(&mut streams, 1200).unwrap();
    assert_eq!(blocked.records, [Record::DataBlocked { limit: 2000 }]);
    assert!(!streams.wants_to_send());
    settle(&mut streams, &lost, Fate::Lost);
    assert_eq!(packet(&mut streams, 1200).unwrap().records, lost.records);
    assert!(!streams.wants_to_send());
    streams.on_frame(NOW, &Frame::MaxData { limit: 2001 }).unwrap();
    let more = packet(&mut streams, 1200).unwrap();
    assert_eq!(
        more.records,
        [Record::Stream { id: third, offset: 0, length: 1, fin: false }],
        "exactly the credit"
    );
}

#[test]
fn a_lost_limit_is_announced_again_and_a_superseded_one_is_not() {
    let mut streams = streams(&config());
    let id = theirs(BIDI, 0);
    streams.on_frame(NOW, &data(id, 0, &[0; 1000])).unwrap();
    streams.on_frame(NOW, &data(theirs(BIDI, 1), 0, &[0; 1000])).unwrap();
    read(&mut streams, id).unwrap();
    let first = packet(&mut streams, 1200).unwrap();
    let limits = [Record::MaxData { limit: 3000 }, Record::MaxStreamData { id, limit: 2000 }];
    assert_eq!(first.records, limits);
    settle(&mut streams, &first, Fate::Lost);
    assert_eq!(packet(&mut streams, 1200).unwrap().records, limits);
    streams.on_frame(NOW, &data(id, 1000, &[0; 1000])).unwrap();
    read(&mut streams, id).unwrap();
    let newer = packet(&mut streams, 1200).unwrap();
    settle(&mut streams, &first, Fate::Lost);
    assert!(!streams.wants_to_send());
    settle(&mut streams, &newer, Fate::Lost);
    assert_eq!(packet(&mut streams, 1200).unwrap().records, newer.records);
}

#[test]
fn the_connection_window_keeps_ahead_of_a_growing_stream_window() {
    let config = StreamConfig { stream_window_max: 1 << 20, ..config() };
    let config = StreamConfig { connection_window_max: 2 << 20, ..config };
    let mut streams = streams(&config);
    let id = theirs(BIDI, 0);
    streams.on_frame(NOW, &data(id, 0, &[0; 500])).unwrap();
    read(&mut streams, id).unwrap();
    assert_eq!(streams.stats().receive_window, 3000, "one and a half times 2000");
}

#[test]
fn windows_grow_while_a_gap_keeps_the_reader_waiting_but_not_for_one_who_does_not_read() {
    let config = StreamConfig { stream_window_max: 8000, connection_window_max: 9000, ..config() };
    let id = theirs(BIDI, 0);
    let mut whole = streams(&config);
    whole.on_frame(NOW, &data(id, 0, &[0; 500])).unwrap();
    assert!(packet(&mut whole, 1200).is_none());
    let mut broken = streams(&config);
    broken.on_frame(NOW, &data(id, 1, &[0; 499])).unwrap();
    let limits = [Record::MaxData { limit: 3000 }, Record::MaxStreamData { id, limit: 2000 }];
    assert_eq!(packet(&mut broken, 1200).unwrap().records, limits);
}

#[test]
fn control_frames_that_do_not_fit_wait_for_the_next_packet() {
    let wide = StreamConfig { max_streams_bidi: 100, ..config() };
    let (mut a, mut b) = pair(&wide);
    for _ in 0..100 {
        let id = a.open(BIDI).unwrap();
        a.write(id, b"x").unwrap();
    }
    exchange(&mut a, &mut b);
    for index in 0..100 {
        b.stop(ours(BIDI, index), CODE);
    }
    let mut stopped = 0;
    while let Some(packet) = packet(&mut b, 100) {
        stopped += frames(&packet).len();
        receive(&mut a, NOW, &packet).unwrap();
    }
    assert_eq!(stopped, 100);
}

/// Everything that can be sent, in runs as far as there are any; and how many packets those made.
fn in_runs(streams: &mut Streams, size: usize) -> (Vec<Packet>, usize) {
    let (mut sent, mut in_runs) = (Vec::new(), 0);
    loop {
        if let Some(mut run) = streams.begin_run() {
            let mut space = vec![0; size];
            let mut builder = PacketBuilder::new(&mut space);
            while streams.fill_run(&mut run, &mut builder).is_some() {
                let (length, _, records) = builder.finish();
                assert_eq!(length, size, "a packet of a run is full");
                sent.push(Packet { bytes: space.clone(), records: records.iter().collect() });
                in_runs += 1;
                builder = PacketBuilder::new(&mut space);
            }
            streams.end_run(&run);
        }
        let Some(single) = packet(streams, size) else { return (sent, in_runs) };
        sent.push(single);
    }
}

/// Where a length needs more bytes: a packet that cannot be filled to the end is none of a run, and loses nothing.
#[test]
fn in_packets_of_any_size_everything_is_sent() {
    let wide = StreamConfig { stream_window: 1 << 20, ..StreamConfig::default() };
    let wide = StreamConfig { connection_window: 8 << 20, ..wide };
    for size in (60..80).chain(16_375..16_410) {
        let mut streams = streams(&wide);
        let id = streams.open(UNI).unwrap();
        let written = streams.write(id, &[7; 100_000]).unwrap();
        let (sent, _) = in_runs(&mut streams, size);
        let data = sent.iter().flat_map(frames).map(|frame| match frame {
            Frame::Stream { data, .. } => data.len(),
            _ => 0,
        });
        assert_eq!(data.sum::<usize>(), written, "packets of {size} bytes");
    }
}

#[test]
fn most_packets_of_a_bulk_transfer_leave_in_runs() {
    let wide = StreamConfig { stream_window: 1 << 20, ..StreamConfig::default() };
    let mut streams = streams(&StreamConfig { connection_window: 8 << 20, ..wide });
    let id = streams.open(UNI).unwrap();
    streams.write(id, &[7; 100_000]).unwrap();
    let (sent, in_runs) = in_runs(&mut streams, 1400);
    assert!(in_runs >= sent.len() - 8 && sent.len() > 70, "{in_runs} of {}", sent.len());
}

proptest! {
    /// With streams that end within a packet, and windows that are used up.
    #[test]
    fn a_run_sends_what_single_packets_would(
        lengths in prop::collection::vec(1_usize..60_000, 1..4),
        stream_window in 1_000_u64..80_000,
        connection_window in 1_000_u64..120_000,
        size in 100_usize..1500,
    ) {
        let windows = StreamConfig { stream_window, connection_window, ..StreamConfig::default() };
        let mut both = [streams(&windows), streams(&windows)];
        for streams in &mut both {
            for length in &lengths {
                let id = streams.open(UNI).unwrap();
                let data: Vec<u8> = (0..*length).map(|at| (at % 251) as u8).collect();
                streams.write(id, &data).unwrap();
            }
        }
        let [singly, run] = &mut both;
        let expected: Vec<_> = std::iter::from_fn(|| packet(singly, size)).collect();
        let (sent, _) = in_runs(run, size);
        prop_assert_eq!(sent.len(), expected.len());
        for (sent, expected) in sent.iter().zip(&expected) {
            prop_assert_eq!(&sent.bytes, &expected.bytes);
            prop_assert_eq!(&sent.records, &expected.records);
        }
        let events = both.map(|mut streams| std::iter::from_fn(|| streams.poll_event()).collect::<Vec<_>>());
        prop_assert_eq!(&events[0], &events[1]);
    }
}
