//! `demo`: what the README promises first.

use crate::harness::Home;

#[test]
fn the_demonstration_moves_everything_through_a_bad_link_and_a_rebinding() {
    let outcome = Home::new().run(["demo"]).expect(0);
    let text = outcome.text();
    assert!(text.contains("another address"), "{text}");
    assert_eq!(text.matches("  same").count(), 4, "{text}");
    assert!(text.ends_with("all the same\n"), "{text}");
}

#[test]
fn a_path_is_found_through_two_nats_although_one_has_another_port_for_every_peer() {
    let outcome = Home::new().run(["demo", "--nat", "home,symmetric"]).expect(0);
    let text = outcome.text();
    assert!(text.contains("left         Port restricted, "), "{text}");
    assert!(text.contains("right        Symmetric, "), "{text}");
    assert!(text.contains("left         tried one port of the other NAT after"), "{text}");
    assert!(text.contains("right        opened many sockets"), "{text}");
    assert!(text.contains("direct       right "), "{text}");
    assert!(text.ends_with("  same\nall the same\n"), "{text}");
}

#[test]
fn a_pair_without_a_direct_path_goes_by_the_relay_and_says_why() {
    let outcome = Home::new().run(["demo", "--nat", "mobile,symmetric"]).expect(0);
    let text = outcome.text();
    assert!(text.contains("no such path: both NATs give every peer another port"), "{text}");
    assert!(text.ends_with("  same\nall the same\n"), "{text}");
}

#[test]
fn a_pair_without_any_path_ends_with_the_reason() {
    let outcome = Home::new().run(["demo", "--nat", "home,blocked"]).expect(3);
    outcome.says(&["no path", "lets no UDP in", "UDP alone"]);
}

#[test]
fn who_names_an_unknown_nat_is_told_the_known_ones() {
    let outcome = Home::new().run(["demo", "--nat", "home,house"]).expect(2);
    outcome.says(&["\"house\"", "full-cone", "symmetric"]);
}
