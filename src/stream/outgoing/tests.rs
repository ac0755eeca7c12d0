//! The send buffer, against examples and a naive model.

use proptest::prelude::*;

use super::*;
use crate::base::limits::STREAM_PAGE;

fn pattern(range: Range<u64>) -> Vec<u8> {
    range.map(|offset| (offset % 251) as u8).collect()
}

fn written(length: u64, pages: &mut Pages) -> Outgoing {
    let mut outgoing = Outgoing::default();
    outgoing.append(&pattern(0..length), pages);
    outgoing
}

fn copied(outgoing: &Outgoing, range: Range<u64>) -> Vec<u8> {
    let mut out = vec![0; (range.end - range.start) as usize];
    outgoing.copy(range.start, &mut out);
    out
}

#[test]
fn small_writes_share_a_page() {
    let (mut pages, mut outgoing) = (Pages::default(), Outgoing::default());
    for offset in 0..STREAM_PAGE as u64 {
        outgoing.append(&pattern(offset..offset + 1), &mut pages);
    }
    assert_eq!(pages.used(), 1);
    outgoing.append(&[1], &mut pages);
    assert_eq!(pages.used(), 2);
}

#[test]
fn a_long_chunk_is_kept_and_a_short_one_is_copied() {
    let (mut pages, mut outgoing) = (Pages::default(), Outgoing::default());
    outgoing.append_shared(Bytes::from(pattern(0..2048)), &mut pages);
    assert_eq!(pages.used(), 0);
    outgoing.append_shared(Bytes::from(pattern(2048..2050)), &mut pages);
    outgoing.append_shared(Bytes::from(pattern(2050..9000)), &mut pages);
    assert_eq!(pages.used(), 1);
    assert_eq!(copied(&outgoing, 2000..5000), pattern(2000..5000));
}

#[test]
fn acknowledged_pages_are_given_back_from_the_front() {
    let page = STREAM_PAGE as u64;
    let mut pages = Pages::default();
    let mut outgoing = written(3 * page, &mut pages);
    outgoing.written(0..3 * page);
    outgoing.acknowledged(page..2 * page, &mut pages);
    assert_eq!(pages.used(), 3, "out of order");
    outgoing.acknowledged(0..page, &mut pages);
    assert_eq!((pages.used(), outgoing.buffered()), (1, page));
    outgoing.acknowledged(0..3 * page, &mut pages);
    assert_eq!((pages.used(), outgoing.buffered()), (0, 0));
}

#[test]
fn lost_bytes_are_sent_again_unless_they_were_acknowledged_meanwhile() {
    let mut pages = Pages::default();
    let mut outgoing = written(3000, &mut pages);
    outgoing.written(0..3000);
    outgoing.lost(&(1000..2000));
    assert_eq!(outgoing.first_lost(), Some(1000..2000));
    outgoing.acknowledged(1000..2000, &mut pages);
    assert!(!outgoing.has_lost(), "a late acknowledgement");
    outgoing.lost(&(1000..2000));
    assert!(!outgoing.has_lost(), "acknowledged out of order");
    outgoing.acknowledged(0..1000, &mut pages);
    outgoing.lost(&(500..2500));
    assert_eq!(outgoing.first_lost(), Some(2000..2500), "what is freed cannot be sent");
}

#[test]
fn clearing_gives_all_memory_back_and_keeps_the_offsets() {
    let mut pages = Pages::default();
    let mut outgoing = written(30_000, &mut pages);
    outgoing.written(0..1000);
    outgoing.lost(&(0..500));
    outgoing.clear(&mut pages);
    assert_eq!((pages.used(), outgoing.buffered(), outgoing.next()), (0, 0, 1000));
    assert!(!outgoing.has_lost());
}

#[test]
fn what_arrived_in_parts_by_other_packets_is_not_sent_again() {
    let mut pages = Pages::default();
    let mut outgoing = written(300, &mut pages);
    outgoing.written(0..300);
    // Lost in three packets, sent again in one; the second of the three comes late, and the one is lost too.
    outgoing.lost(&(0..300));
    outgoing.written(0..300);
    outgoing.acknowledged(100..200, &mut pages);
    outgoing.lost(&(0..300));
    outgoing.acknowledged(0..100, &mut pages);
    assert_eq!(outgoing.first_lost(), Some(200..300));
    assert_eq!(copied(&outgoing, 200..300), pattern(200..300));
}

proptest! {
    #[test]
    fn whatever_is_unacknowledged_can_be_copied(
        writes in prop::collection::vec((1_usize..6000, any::<bool>()), 1..20),
        acks in prop::collection::vec((0_u64..40_000, 1_u64..9000), 0..30),
    ) {
        let (mut pages, mut outgoing) = (Pages::default(), Outgoing::default());
        for (length, shared) in writes {
            let data = pattern(outgoing.end()..outgoing.end() + length as u64);
            if shared {
                outgoing.append_shared(Bytes::from(data), &mut pages);
            } else {
                outgoing.append(&data, &mut pages);
            }
        }
        let end = outgoing.end();
        outgoing.written(0..end);
        let mut model = vec![false; end as usize];
        for (start, length) in acks {
            let range = start.min(end)..(start + length).min(end);
            model[range.start as usize..range.end as usize].fill(true);
            outgoing.acknowledged(range, &mut pages);
        }
        let base = model.iter().position(|acked| !acked).unwrap_or(model.len()) as u64;
        prop_assert_eq!(outgoing.buffered(), end - base);
        prop_assert_eq!(copied(&outgoing, base..end), pattern(base..end));
    }
}
