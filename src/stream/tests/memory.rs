//! What streams cost.

use super::*;

#[test]
fn a_connection_without_streams_costs_less_than_a_kilobyte() {
    assert!(size_of::<Streams>() < 1024, "{}", size_of::<Streams>());
}

#[test]
fn a_stream_without_data_costs_less_than_a_kilobyte() {
    assert!(size_of::<entry::Stream>() < 1024, "{}", size_of::<entry::Stream>());
    let mut streams = streams(&StreamConfig::default());
    streams.open(BIDI).unwrap();
    assert_eq!(streams.stats().page_bytes, 0);
}

#[test]
fn closed_streams_give_their_memory_back() {
    let (mut a, mut b) = pair(&StreamConfig::default());
    for _ in 0..2000 {
        let id = a.open(BIDI).unwrap();
        a.write(id, &[1; 20_000]).unwrap();
        a.finish(id).unwrap();
        exchange(&mut a, &mut b);
        b.accept(BIDI).unwrap();
        assert_eq!(read(&mut b, id).unwrap().len(), 20_000);
        read(&mut b, id).unwrap();
        b.reset(id, CODE);
        exchange(&mut a, &mut b);
        read(&mut a, id).unwrap_err();
        while a.poll_event().or_else(|| b.poll_event()).is_some() {}
    }
    assert_eq!((a.stats().open, b.stats().open), (0, 0));
    assert_eq!((a.stats().page_bytes, b.stats().page_bytes), (0, 0));
    // One stream after the other: they use the same pages.
    assert!(a.stats().pages_allocated <= 10 && b.stats().pages_allocated <= 10, "{:?}", b.stats());
}

#[test]
fn a_bulk_transfer_uses_the_same_pages_again() {
    let (mut a, mut b) = pair(&StreamConfig::default());
    let id = a.open(UNI).unwrap();
    let round = |a: &mut Streams, b: &mut Streams| {
        a.write(id, &[1; 100_000]).unwrap();
        exchange(a, b);
        assert_eq!(read(b, id).unwrap().len(), 100_000);
        exchange(a, b);
    };
    for _ in 0..5 {
        round(&mut a, &mut b);
    }
    let warm = (a.stats().pages_allocated, b.stats().pages_allocated);
    for _ in 0..100 {
        round(&mut a, &mut b);
    }
    assert_eq!((a.stats().pages_allocated, b.stats().pages_allocated), warm);
}

#[test]
fn one_byte_at_the_largest_permitted_offset_costs_one_page() {
    let mut streams = streams(&StreamConfig::default());
    let last = StreamConfig::default().stream_window - 1;
    streams.on_frame(NOW, &data(theirs(BIDI, 255), last, &[0])).unwrap();
    assert_eq!(streams.stats().pages_allocated, 1);
    assert_eq!(streams.stats().open, 1);
}

#[test]
fn ten_thousand_streams_work_side_by_side() {
    let many = StreamConfig { max_streams_bidi: 10_000, ..StreamConfig::default() };
    let (mut a, mut b) = pair(&many);
    let ids: Vec<_> = (0..10_000).map(|_| a.open(BIDI).unwrap()).collect();
    for id in &ids {
        a.write(*id, b"hello").unwrap();
        a.finish(*id).unwrap();
    }
    exchange(&mut a, &mut b);
    for id in &ids {
        assert_eq!(b.accept(BIDI), Some(*id));
        assert_eq!(read(&mut b, *id), Ok(b"hello".to_vec()));
        assert_eq!(read(&mut b, *id), Ok(vec![]));
        b.finish(*id).unwrap();
    }
    exchange(&mut a, &mut b);
    for id in &ids {
        assert_eq!(read(&mut a, *id), Ok(vec![]));
    }
    assert_eq!((a.stats().open, b.stats().open), (0, 0));
}
