//! A box seen from both sides.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use Dependence::{AddressAndPortDependent, AddressDependent, EndpointIndependent};

const NOW: Duration = Duration::ZERO;
const EVERY_DEPENDENCE: [Dependence; 3] =
    [EndpointIndependent, AddressDependent, AddressAndPortDependent];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn config() -> NatConfig {
    NatConfig::new([203, 0, 113, 1].into())
}

fn nat(config: NatConfig) -> Nat {
    Nat::new(config, 1)
}

fn host(number: u8) -> SocketAddr {
    ([10, 0, 0, number], 5_000).into()
}

fn peer(number: u8, port: u16) -> SocketAddr {
    ([198, 51, 100, number], port).into()
}

#[test]
fn a_home_router_preserves_the_port_and_gives_it_back() {
    let mut nat = nat(config());
    let external = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    assert_eq!(external, "203.0.113.1:5000".parse().unwrap());
    assert_eq!(nat.inbound(NOW, peer(1, 1), external), Some(host(1)));
}

#[test]
fn two_hosts_never_share_an_external_endpoint() {
    let mut nat = nat(config());
    assert_ne!(nat.outbound(NOW, host(1), peer(1, 1)), nat.outbound(NOW, host(2), peer(1, 1)));
}

#[test]
fn mapping_decides_which_peers_see_the_same_source() {
    for (mapping, same_for_port, same_for_address) in [
        (EndpointIndependent, true, true),
        (AddressDependent, true, false),
        (AddressAndPortDependent, false, false),
    ] {
        let mut nat = nat(config().mapping(mapping));
        let mut source = |to| nat.outbound(NOW, host(1), to);
        let first = source(peer(1, 1));
        assert_eq!(source(peer(1, 1)), first);
        assert_eq!(source(peer(1, 2)) == first, same_for_port, "{mapping:?}");
        assert_eq!(source(peer(2, 1)) == first, same_for_address, "{mapping:?}");
    }
}

#[test]
fn filtering_decides_who_may_answer() {
    for (filtering, other_port, other_address) in [
        (EndpointIndependent, true, true),
        (AddressDependent, true, false),
        (AddressAndPortDependent, false, false),
    ] {
        let mut nat = nat(config().filtering(filtering));
        let external = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
        let mut enters = |from| nat.inbound(NOW, from, external).is_some();
        assert!(enters(peer(1, 1)));
        assert_eq!(enters(peer(1, 2)), other_port, "{filtering:?}");
        assert_eq!(enters(peer(2, 1)), other_address, "{filtering:?}");
    }
}

#[test]
fn an_idle_mapping_ends_and_the_next_packet_makes_a_new_one() {
    let mut nat = nat(NatConfig::symmetric([203, 0, 113, 1].into()).idle_timeout(seconds(30)));
    let first = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    assert!(nat.inbound(seconds(29), peer(1, 1), first).is_some());
    assert!(nat.inbound(seconds(59), peer(1, 1), first).is_none());
    assert_ne!(nat.outbound(seconds(60), host(1), peer(1, 1)), Some(first));
    assert_eq!(nat.mappings(), 1);
}

#[test]
fn inbound_traffic_keeps_a_mapping_alive_only_where_it_counts() {
    for refresh in [true, false] {
        let mut nat = nat(config().idle_timeout(seconds(30)).inbound_refresh(refresh));
        let external = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
        assert!(nat.inbound(seconds(20), peer(1, 1), external).is_some());
        assert_eq!(nat.inbound(seconds(40), peer(1, 1), external).is_some(), refresh);
    }
}

#[test]
fn permission_ends_for_each_peer_by_itself() {
    let mut nat = nat(config().idle_timeout(seconds(30)));
    let external = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    nat.outbound(seconds(20), host(1), peer(2, 1));
    assert!(nat.inbound(seconds(40), peer(2, 1), external).is_some());
    assert!(nat.inbound(seconds(40), peer(1, 1), external).is_none());
}

#[test]
fn hairpinning_takes_both_steps_or_none() {
    for hairpin in [true, false] {
        let mut nat = nat(NatConfig::full_cone([203, 0, 113, 1].into()).hairpin(hairpin));
        let second = nat.outbound(NOW, host(2), peer(1, 1)).unwrap();
        let first = nat.outbound(NOW, host(1), second);
        let reached = first.and_then(|source| nat.inbound(NOW, source, second));
        assert_eq!(reached, hairpin.then_some(host(2)));
    }
}

#[test]
fn a_rebind_ends_all_mappings_and_changes_even_preserved_ports() {
    for allocation in [PortAllocation::Preserve, PortAllocation::Sequential, PortAllocation::Random]
    {
        let mut nat = nat(config().allocation(allocation));
        let before = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
        nat.rebind();
        assert_eq!(nat.inbound(NOW, peer(1, 1), before), None);
        assert_ne!(nat.outbound(NOW, host(1), peer(1, 1)), Some(before), "{allocation:?}");
    }
}

#[test]
fn a_new_external_address_ends_the_old_one() {
    let mut nat = nat(config());
    let before = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    nat.set_external([203, 0, 113, 9].into());
    let after = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    assert_eq!((after.ip(), nat.external()), ([203, 0, 113, 9].into(), after.ip()));
    assert_eq!(nat.inbound(NOW, peer(1, 1), before), None);
    assert_eq!(nat.inbound(NOW, peer(1, 1), after), Some(host(1)));
}

#[test]
fn a_peer_that_came_unasked_spoils_the_port_for_as_long_as_it_knocks() {
    let mut nat = nat(config().remembers_unasked().idle_timeout(seconds(30)));
    let external = "203.0.113.1:5000".parse().unwrap();
    assert_eq!(nat.outbound(NOW, host(1), peer(3, 1)), Some(external));
    assert_eq!(nat.inbound(NOW, peer(1, 1), external), None);
    let spoilt = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    assert_ne!(spoilt, external);
    assert_eq!(nat.outbound(NOW, host(1), peer(2, 1)), Some(spoilt), "new peers see it too");
    assert_eq!(nat.outbound(NOW, host(1), peer(3, 1)), Some(external), "old ones do not");
    assert_eq!(nat.inbound(seconds(20), peer(1, 1), external), None);
    assert_eq!(nat.inbound(seconds(20), peer(1, 1), spoilt), Some(host(1)));
    assert_ne!(nat.outbound(seconds(49), host(1), peer(1, 1)), Some(external));
    assert_eq!(nat.outbound(seconds(90), host(1), peer(1, 1)), Some(external), "silence heals");
    assert_eq!(
        nat.inbound(seconds(90), peer(1, 1), external),
        Some(host(1)),
        "who sends first wins"
    );
}

#[test]
fn a_full_table_refuses_new_sessions_until_old_ones_idle_out() {
    let mut nat = nat(config().capacity(2).idle_timeout(seconds(30)));
    assert!(nat.outbound(NOW, host(1), peer(1, 1)).is_some());
    assert!(nat.outbound(seconds(10), host(1), peer(2, 1)).is_some());
    assert_eq!(nat.outbound(seconds(10), host(1), peer(3, 1)), None);
    assert_eq!(nat.outbound(seconds(10), host(2), peer(1, 1)), None);
    assert!(nat.outbound(seconds(10), host(1), peer(2, 1)).is_some());
    assert!(nat.outbound(seconds(30), host(1), peer(3, 1)).is_some());
}

#[test]
fn an_absolute_timeout_ends_a_mapping_however_busy_it_is() {
    let config = NatConfig::symmetric([203, 0, 113, 1].into()).absolute_timeout(seconds(60));
    let mut nat = nat(config);
    let first = nat.outbound(NOW, host(1), peer(1, 1)).unwrap();
    for at in (5..60).step_by(5) {
        assert_eq!(nat.outbound(seconds(at), host(1), peer(1, 1)), Some(first), "{at}");
        assert!(nat.inbound(seconds(at), peer(1, 1), first).is_some());
    }
    assert!(nat.inbound(seconds(60), peer(1, 1), first).is_none());
    let second = nat.outbound(seconds(61), host(1), peer(1, 1)).unwrap();
    assert_ne!(second, first);
    assert_eq!(nat.outbound(seconds(120), host(1), peer(1, 1)), Some(second), "its own minute");
}

#[test]
fn a_pool_gives_a_host_one_address_or_any() {
    let more = [[203, 0, 113, 2].into(), [203, 0, 113, 3].into()];
    for (pooling, all) in [(Pooling::Paired, false), (Pooling::Arbitrary, true)] {
        let config = NatConfig::symmetric([203, 0, 113, 1].into()).pool(&more, pooling);
        let mut nat = nat(config);
        let external = |to| nat.outbound(NOW, host(1), peer(1, to)).unwrap();
        let externals: Vec<SocketAddr> = (1..50).map(external).collect();
        let addresses: BTreeSet<IpAddr> = externals.iter().map(SocketAddr::ip).collect();
        assert_eq!(addresses.len() == 3, all, "{pooling:?}");
        assert_eq!(addresses.len() == 1, !all, "{pooling:?}");
        assert!(addresses.iter().all(|ip| nat.owns(*ip)));
        for (to, external) in (1..).zip(externals) {
            assert_eq!(nat.inbound(NOW, peer(1, to), external), Some(host(1)));
        }
    }
}

#[test]
fn used_up_ports_come_back_when_their_mappings_idle_out() {
    let mut nat = nat(config().ports(7_000..=7_000).idle_timeout(seconds(30)));
    assert!(nat.outbound(NOW, host(1), peer(1, 1)).is_some());
    assert_eq!(nat.outbound(seconds(29), host(2), peer(1, 1)), None);
    assert!(nat.outbound(seconds(30), host(2), peer(1, 1)).is_some());
}

#[derive(Debug, Clone)]
enum Step {
    Out(u8, u8, u16),
    In(u8, u16, usize),
    Wait(u64),
    Rebind,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_u8, 0..4_u8, 0..3_u16).prop_map(|(host, peer, port)| Step::Out(host, peer, port)),
        6 => (0..4_u8, 0..3_u16, any::<usize>()).prop_map(|(peer, port, to)| Step::In(peer, port, to)),
        2 => (0..50_u64).prop_map(Step::Wait),
        1 => Just(Step::Rebind),
    ]
}

fn dependence() -> impl Strategy<Value = Dependence> {
    proptest::sample::select(EVERY_DEPENDENCE.as_slice())
}

proptest! {
    #[test]
    fn nobody_gets_in_uninvited_and_the_table_stays_whole(
        mapping in dependence(),
        filtering in dependence(),
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let capacity = 8;
        let config = config().mapping(mapping).filtering(filtering).capacity(capacity).idle_timeout(seconds(60));
        let mut nat = nat(config);
        let mut now = NOW;
        let mut endpoints = Vec::new();
        let mut invited = BTreeSet::new();
        for step in steps {
            match step {
                Step::Out(inside, outside, port) => {
                    if let Some(external) = nat.outbound(now, host(inside), peer(outside, port)) {
                        invited.insert((external, host(inside), outside, port));
                        endpoints.push(external);
                    }
                }
                Step::In(outside, port, to) if !endpoints.is_empty() => {
                    let external = endpoints[to % endpoints.len()];
                    if let Some(inside) = nat.inbound(now, peer(outside, port), external) {
                        let known = invited.iter().any(|(mapped, host, address, known)| {
                            let address = filtering == EndpointIndependent || *address == outside;
                            let port = filtering != AddressAndPortDependent || *known == port;
                            (*mapped, *host) == (external, inside) && address && port
                        });
                        prop_assert!(known);
                    }
                }
                Step::In(..) => {}
                Step::Wait(time) => now += seconds(time),
                Step::Rebind => {
                    nat.rebind();
                    invited.clear();
                }
            }
            prop_assert!(nat.mappings.len() <= capacity && nat.sessions <= capacity);
            prop_assert_eq!(nat.mappings.len(), nat.by_external.len());
            let sessions: usize = nat.mappings.values().map(Mapping::sessions).sum();
            prop_assert_eq!(sessions, nat.sessions);
        }
    }
}
