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
