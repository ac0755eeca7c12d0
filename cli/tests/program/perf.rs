//! `perf`: what it measures is there; how fast it is, is no test's business.

use serde_json::Value;

use crate::harness::Home;

fn measure(args: &[&str]) -> Value {
    let home = Home::new();
    let (_server, target) = home.listen(&["perf", "server"], Vec::new());
    let args = [&["perf", "client", &target, "--json"], args].concat();
    let outcome = home.run(args).expect(0);
    serde_json::from_str(outcome.text()).unwrap()
}

/// Checks that these keys have numbers, and that the others are null.
fn assert_measured(value: &Value, measured: &[&str]) {
    let keys = [
        "gbit_per_s",
        "cpu_s_per_gb_client",
        "cpu_s_per_gb_server",
        "rtt_us_p50",
        "rtt_us_p99",
        "handshakes_per_s",
        "lost",
        "retransmitted",
        "mtu",
    ];
    for key in keys {
        let found = &value[key];
        assert_eq!(found.is_number(), measured.contains(&key), "{key}: {found}");
    }
    assert!(value["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn an_upload_sends_exactly_what_it_was_told() {
    let value = measure(&["--bytes", "3000001", "--streams", "3"]);
    assert_eq!(value["test"], "upload");
    assert_eq!(value["bytes"], 3_000_001);
    let mut measured = vec!["gbit_per_s", "lost", "retransmitted", "mtu"];
    if cfg!(unix) {
        measured.extend(["cpu_s_per_gb_client", "cpu_s_per_gb_server"]);
    }
    assert_measured(&value, &measured);
}

#[test]
fn the_largest_datagram_can_be_chosen() {
    let value = measure(&["--seconds", "0.3", "--mtu", "1300", "--congestion", "newreno"]);
    assert!(value["mtu"].as_u64().unwrap() <= 1300);
    assert!(value["bytes"].as_u64().unwrap() > 0);
}

#[test]
fn a_ping_measures_latency() {
    let value = measure(&["--ping", "--seconds", "0.2"]);
    assert_eq!(value["test"], "ping");
    assert_measured(&value, &["rtt_us_p50", "rtt_us_p99", "lost", "retransmitted", "mtu"]);
}

#[test]
fn handshakes_are_counted() {
    let value = measure(&["--handshakes", "--seconds", "0.3", "--concurrency", "2"]);
    assert_eq!(value["test"], "handshakes");
    assert_measured(&value, &["rtt_us_p50", "rtt_us_p99", "handshakes_per_s"]);
}

#[test]
fn people_get_words() {
    let home = Home::new();
    let (_server, target) = home.listen(&["perf", "server"], Vec::new());
    let outcome = home.run(["perf", "client", &target, "--bytes", "100000"]).expect(0);
    assert!(outcome.text().starts_with("throughput"), "{}", outcome.text());
}

#[test]
fn the_congestion_controller_can_be_chosen_and_is_named() {
    let home = Home::new();
    let (_server, target) = home.listen(&["perf", "server", "--congestion", "bbr"], Vec::new());
    for (option, name) in [("bbr", "BBR window"), ("cubic", "CUBIC window")] {
        let args = ["perf", "client", &target, "--bytes", "100000", "-v", "--congestion", option];
        home.run(args).expect(0).says(&[name]);
    }
}
