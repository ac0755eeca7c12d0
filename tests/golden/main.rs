//! What a connection does over time, compared with tables that were looked at. Virtual time and a seed decide everything.
//!
//! Who changes the behaviour on purpose writes the tables anew with `SRUDP_BLESS=1 cargo test --test golden`, and looks at the
//! difference.

mod connecting;
#[path = "../crossing/mod.rs"]
mod crossing;
mod punching;
#[path = "../sim/mod.rs"]
mod sim;
mod trace;
mod windows;

use std::fs;
use std::path::Path;

/// Compares with `tests/golden/<name>.txt`, or writes it.
fn golden(name: &str, text: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = directory.join(format!("{name}.txt"));
    if std::env::var_os("SRUDP_BLESS").is_some() {
        fs::write(&path, text).expect("the table can be written");
    }
    let expected = fs::read_to_string(&path).expect("the table exists");
    let same = expected.lines().zip(text.lines()).take_while(|(old, new)| old == new).count();
    let line = |of: &str| of.lines().nth(same).unwrap_or("(nothing)").to_owned();
    assert!(
        expected == text,
        "{name}, line {}: expected\n{}\nbut it is\n{}\nSRUDP_BLESS=1 writes the table anew",
        same + 1,
        line(&expected),
        line(text),
    );
}
