//! What happens to the network and to the nodes, as the dice fall.

use std::net::SocketAddr;
use std::time::Duration;

use srudp::proto::Instant;
use srudp_links::Generator;

use super::options;
use super::sim::Sim;
use super::sim::internet::Internet;

/// Faults that pass by themselves, and what they leave behind.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Directions that carry nothing, and until when.
    cuts: Vec<(Instant, usize, usize)>,
    moves: u8,
    /// Nodes that have changed their address, and know.
    pub(crate) moved: Vec<usize>,
    /// Nodes whose box has changed their address, and that do not know.
    pub(crate) rebound: Vec<usize>,
}

impl Faults {
    /// Something happens, perhaps.
    pub(crate) fn shake(&mut self, sim: &mut Sim<Internet>, dice: &mut Generator) {
        let nodes = sim.nodes.len();
        let a = dice.below(nodes as u64) as usize;
        let b = (a + 1 + dice.below(nodes as u64 - 1) as usize) % nodes;
        match dice.below(12) {
            0 => self.cut(sim, a, b, dice.span(Duration::from_secs(4))),
            1 => {
                // Rarely long enough to end in an idle timeout.
                let longest = if dice.chance(0.2) { 12 } else { 4 };
                let time = dice.span(Duration::from_secs(longest));
                self.cut(sim, a, b, time);
                self.cut(sim, b, a, time);
            }
            2..=4 => sim.network.link(a, b).reconfigure(options::link(dice)),
            5 => {
                let clogged = options::good_link().rate(20_000).queue(20_000);
                sim.network.link(a, b).reconfigure(clogged);
            }
            6 => {
                if let Some(nat) = sim.network.nat(a) {
                    nat.rebind();
                    self.rebound.push(a);
                }
            }
            7 | 8 => self.move_node(sim, a),
            9 => sim.freeze(a, dice.span(Duration::from_secs(3))),
            10 => sim.freeze(a, dice.span(Duration::from_millis(300))),
            _ => {}
        }
    }

    /// One direction carries nothing for a while.
    fn cut(&mut self, sim: &mut Sim<Internet>, from: usize, to: usize, time: Duration) {
        sim.network.link(from, to).set_up(false);
        self.cuts.push((sim.now + time, from, to));
    }

    /// Ends what has lasted long enough.
    pub(crate) fn mend(&mut self, sim: &mut Sim<Internet>) {
        let now = sim.now;
        for (_, from, to) in self.cuts.extract_if(.., |(until, _, _)| *until <= now) {
            sim.network.link(from, to).set_up(true);
        }
    }

    /// A node gets another address of its own. Behind a box that is another port.
    fn move_node(&mut self, sim: &mut Sim<Internet>, node: usize) {
        if sim.is_frozen(node) {
            return;
        }
        self.moves += 1;
        self.moved.push(node);
        let ip = [10, 0, self.moves, node as u8 + 1];
        let address = SocketAddr::from((ip, sim.nodes[node].address.port()));
        sim.nodes[node].address = address;
        sim.network.moved(node, address);
        let now = sim.now;
        sim.nodes[node].endpoint.rebound(now);
    }

    /// Whether two nodes may have lost each other for good: both moved, or one moved and cannot know.
    pub(crate) fn may_part(&self, one: usize, other: usize) -> bool {
        let has = |nodes: &[usize], node| nodes.contains(&node);
        (has(&self.moved, one) && has(&self.moved, other))
            || has(&self.rebound, one)
            || has(&self.rebound, other)
    }
}
