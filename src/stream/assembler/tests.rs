//! Reassembly, against examples and a naive model.

use proptest::prelude::*;

use super::*;

fn pattern(offset: u64, length: usize) -> Vec<u8> {
    (offset..).take(length).map(|offset| (offset % 251) as u8).collect()
}

fn insert(assembler: &mut Assembler, offset: u64, length: usize, pages: &mut Pages) {
    assembler.insert(offset, &pattern(offset, length), pages).unwrap();
}

fn drain(assembler: &mut Assembler, pages: &mut Pages) -> Vec<u8> {
    let mut out = vec![0; usize::try_from(assembler.readable()).unwrap()];
    assert_eq!(assembler.read(&mut out, pages), out.len());
    out
}

#[test]
fn data_in_order_is_readable_at_once() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, 0, 1000, &mut pages);
    assert_eq!(assembler.peek(), pattern(0, 1000));
    insert(&mut assembler, 1000, 20_000, &mut pages);
    assert_eq!(drain(&mut assembler, &mut pages), pattern(0, 21_000));
    assert_eq!(pages.used(), 0, "what was read is free");
}

#[test]
fn data_behind_a_gap_waits_for_it() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, 10, 10, &mut pages);
    assert_eq!(assembler.readable(), 0);
    assert!(assembler.peek().is_empty());
    insert(&mut assembler, 5, 5, &mut pages);
    assert_eq!(assembler.readable(), 0);
    insert(&mut assembler, 0, 7, &mut pages);
    assert_eq!(drain(&mut assembler, &mut pages), pattern(0, 20));
}

#[test]
fn duplicates_are_no_new_data() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, 0, 100, &mut pages);
    insert(&mut assembler, 0, 100, &mut pages);
    insert(&mut assembler, 50, 100, &mut pages);
    assert_eq!(drain(&mut assembler, &mut pages), pattern(0, 150));
    insert(&mut assembler, 0, 150, &mut pages);
    assert_eq!((assembler.readable(), pages.used()), (0, 0));
}

#[test]
fn old_data_at_the_front_of_a_frame_does_not_spoil_what_lies_behind() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, 0, 10_000, &mut pages);
    drain(&mut assembler, &mut pages);
    insert(&mut assembler, 13_000, 1000, &mut pages);
    insert(&mut assembler, 0, 13_000, &mut pages);
    assert_eq!(drain(&mut assembler, &mut pages), pattern(10_000, 4000));
}

#[test]
fn one_byte_far_away_costs_one_page() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, (64 << 20) - 1, 1, &mut pages);
    assert_eq!((pages.used(), pages.allocated()), (1, 1));
    assert_eq!(assembler.readable(), 0);
}

#[test]
fn a_long_transfer_uses_the_same_pages_again() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    for round in 0..10_000 {
        insert(&mut assembler, round * 1200, 1200, &mut pages);
        assembler.consume(1200, &mut pages);
    }
    assert!(pages.allocated() <= 2, "{}", pages.allocated());
}

#[test]
fn a_full_window_with_every_second_packet_missing_fits() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    let packets = (64 << 20) / 1200;
    for packet in (1..packets).step_by(2) {
        insert(&mut assembler, packet * 1200, 1200, &mut pages);
    }
    for packet in (0..packets).step_by(2) {
        insert(&mut assembler, packet * 1200, 1200, &mut pages);
    }
    assert_eq!(assembler.readable(), packets * 1200);
}

#[test]
fn more_gaps_than_the_limit_close_the_connection() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    for gap in 0..STREAM_GAPS as u64 {
        insert(&mut assembler, gap * 2 + 1, 1, &mut pages);
    }
    let over = assembler.insert(STREAM_GAPS as u64 * 2 + 1, &[0], &mut pages);
    assert_eq!(over, Err(TransportError::FLOW_CONTROL));
}

#[test]
fn no_more_is_consumed_than_arrived() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, 0, 10, &mut pages);
    insert(&mut assembler, 20, 10, &mut pages);
    assert_eq!(assembler.consume(u64::MAX, &mut pages), 10);
    assert_eq!(assembler.consume(1, &mut pages), 0);
    insert(&mut assembler, 10, 10, &mut pages);
    assert_eq!(drain(&mut assembler, &mut pages), pattern(10, 20));
}

#[test]
fn clearing_gives_all_pages_back() {
    let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
    insert(&mut assembler, 0, 10_000, &mut pages);
    insert(&mut assembler, 90_000, 10_000, &mut pages);
    assembler.clear(&mut pages);
    assert_eq!((pages.used(), assembler.readable()), (0, 0));
}

proptest! {
    #[test]
    fn any_order_of_pieces_gives_what_a_naive_model_gives(
        pieces in prop::collection::vec((0_u64..60_000, 1_usize..12_000, 0_u64..20_000), 1..60),
    ) {
        let (mut pages, mut assembler) = (Pages::default(), Assembler::default());
        let (mut model, mut read) = (vec![false; 80_000], 0_usize);
        for (offset, length, consume) in pieces {
            insert(&mut assembler, offset, length, &mut pages);
            model[offset as usize..offset as usize + length].fill(true);
            let edge = model.iter().position(|seen| !seen).unwrap();
            prop_assert_eq!(assembler.readable() as usize, edge - read);
            let mut out = vec![0; consume as usize];
            let got = assembler.read(&mut out, &mut pages);
            prop_assert_eq!(got, (consume as usize).min(edge - read));
            prop_assert_eq!(&out[..got], pattern(read as u64, got));
            read += got;
        }
        let last = model.iter().rposition(|seen| *seen).unwrap();
        prop_assert!(pages.used() <= (last + 1 - read) / STREAM_PAGE + 2);
    }
}
