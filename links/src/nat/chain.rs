//! Boxes behind boxes: a home router behind a carrier's.

use std::net::SocketAddr;
use std::time::Duration;

use super::Nat;

/// Boxes in a line; the first is the nearest to the hosts inside. Without boxes it changes nothing.
#[derive(Debug, Default)]
pub struct NatChain {
    boxes: Vec<Nat>,
}

/// Where a packet is behind the boxes that it went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// It left the outermost box, from this source.
    Outside(SocketAddr),
    /// A box turned it back (hairpinning): it is inside again, from `from` and for the host `to`.
    Inside {
        /// Whose packet it seems to be.
        from: SocketAddr,
        /// The host that gets it.
        to: SocketAddr,
    },
}

impl NatChain {
    /// A line of boxes, the nearest to the hosts first.
    pub fn new(boxes: Vec<Nat>) -> Self {
        Self { boxes }
    }

    /// The boxes.
    pub fn boxes(&mut self) -> &mut [Nat] {
        &mut self.boxes
    }

    /// A packet leaves from a host inside. `None` if a box drops it.
    pub fn outbound(&mut self, now: Duration, from: SocketAddr, to: SocketAddr) -> Option<Route> {
        let mut source = from;
        for number in 0..self.boxes.len() {
            source = self.boxes[number].outbound(now, source, to)?;
            if self.boxes[number].owns(to.ip()) {
                let to = inward(&mut self.boxes[..=number], now, source, to)?;
                return Some(Route::Inside { from: source, to });
            }
        }
        Some(Route::Outside(source))
    }

    /// A packet comes in from outside. `None` if a box drops it.
    pub fn inbound(
        &mut self,
        now: Duration,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<SocketAddr> {
        inward(&mut self.boxes, now, from, to)
    }
}

/// Through the boxes from the last to the first.
fn inward(
    boxes: &mut [Nat],
    now: Duration,
    from: SocketAddr,
    to: SocketAddr,
) -> Option<SocketAddr> {
    boxes.iter_mut().rev().try_fold(to, |to, nat| nat.inbound(now, from, to))
}

#[cfg(test)]
mod tests {
    use super::super::NatConfig;
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn home_behind_carrier() -> NatChain {
        let home = NatConfig::full_cone([100, 64, 0, 2].into());
        let carrier = NatConfig::full_cone([203, 0, 113, 1].into());
        NatChain::new(vec![Nat::new(home, 1), Nat::new(carrier, 2)])
    }

    #[test]
    fn a_packet_takes_all_boxes_out_and_in() {
        let (mut chain, peer) = (home_behind_carrier(), address("198.51.100.1:9"));
        let host = address("192.168.0.2:5000");
        let Some(Route::Outside(external)) = chain.outbound(NOW, host, peer) else { panic!() };
        assert_eq!(external, address("203.0.113.1:5000"));
        assert_eq!(chain.inbound(NOW, peer, external), Some(host));
        assert_eq!(chain.inbound(NOW, peer, address("203.0.113.1:5001")), None);
    }

    #[test]
    fn the_box_whose_address_it_is_turns_a_packet_back() {
        let (mut chain, peer) = (home_behind_carrier(), address("198.51.100.1:9"));
        let (one, two) = (address("192.168.0.2:5000"), address("192.168.0.3:6000"));
        chain.outbound(NOW, two, peer);
        for (to, from) in
            [("100.64.0.2:6000", "100.64.0.2:5000"), ("203.0.113.1:6000", "203.0.113.1:5000")]
        {
            let route = chain.outbound(NOW, one, address(to));
            assert_eq!(route, Some(Route::Inside { from: address(from), to: two }));
        }
    }

    #[test]
    fn without_boxes_nothing_changes() {
        let (mut chain, a, b) =
            (NatChain::default(), address("192.0.2.1:1"), address("192.0.2.2:2"));
        assert_eq!(chain.outbound(NOW, a, b), Some(Route::Outside(a)));
        assert_eq!(chain.inbound(NOW, b, a), Some(a));
    }
}
