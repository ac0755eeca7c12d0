//! Who gets what, with workers that only write it down.

use super::*;

const COUNT: u8 = 3;

/// A worker that notes what it is given.
#[derive(Default)]
struct Fake {
    /// First bytes of datagrams, and what they were taken for.
    taken: Mutex<Vec<(u8, What)>>,
    /// It dials, or searches.
    expects: bool,
    /// Nothing belongs to it.
    knows_nothing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Own,
    Reset,
}

impl Fake {
    fn note(&self, received: &Received<'_>, what: What) {
        let firsts = received.data.chunks(received.segment_size).map(|datagram| datagram[0]);
        self.taken.lock().extend(firsts.map(|first| (first, what)));
    }

    fn taken(&self) -> Vec<(u8, What)> {
        std::mem::take(&mut self.taken.lock())
    }
}

impl Neighbour for Fake {
    fn expects(&self, _: SocketAddr, _: &[u8]) -> bool {
        self.expects
    }

    fn take_in(&self, received: Received<'_>) -> bool {
        self.note(&received, What::Own);
        self.knows_nothing
    }

    fn take_resets(&self, received: Received<'_>) {
        self.note(&received, What::Reset);
    }
}

struct Workers {
    all: Vec<Arc<Fake>>,
    group: Arc<Group>,
}

impl Workers {
    fn new(make: impl Fn(usize) -> Fake) -> Self {
        let all: Vec<_> = (0..COUNT.into()).map(|number| Arc::new(make(number))).collect();
        let group = Arc::<Group>::default();
        let members = all.iter().map(|fake| Arc::downgrade(fake) as Weak<dyn Neighbour>);
        group.introduce(members.collect());
        Self { all, group }
    }

    /// This one reads a batch.
    fn read(&self, reader: usize, segment_size: usize, mut data: Vec<u8>) {
        let port = Port::new(Shard::all(COUNT).nth(reader).unwrap(), &self.group);
        let remote = "192.0.2.1:1".parse().unwrap();
        let data = &mut *data;
        let received = Received { remote, local: None, ecn: None, segment_size, data };
        port.sort(received, |received| self.all[reader].take_in(received));
    }

    fn taken(&self) -> Vec<Vec<(u8, What)>> {
        self.all.iter().map(|fake| fake.taken()).collect()
    }
}

/// A short packet of this length, for a connection of this worker.
fn short(first: u8, worker: usize, length: usize) -> Vec<u8> {
    let mut packet = vec![0x11; length];
    packet[0] = first;
    let id = Shard::all(COUNT).nth(worker).unwrap().name([0x77; 8]);
    packet[1..9].copy_from_slice(&id);
    packet
}

/// A PUBLIC_KEY that names this worker.
fn first_message(worker: usize) -> Vec<u8> {
    let mut message = vec![0; 1200];
    message[0] = 0xc8;
    let id = Shard::all(COUNT).nth(worker).unwrap().name([0x77; 8]);
    message[13..21].copy_from_slice(&id);
    message
}

#[test]
fn each_datagram_of_a_batch_finds_its_worker() {
    let workers = Workers::new(|_| Fake::default());
    let owners = [1, 1, 2, 1, 0, 0, 1];
    let packets =
        owners.iter().zip(0x60..).flat_map(|(owner, first)| short(first, *owner, 100)).collect();
    workers.read(1, 100, packets);
    let own = |firsts: &[u8]| firsts.iter().map(|first| (*first, What::Own)).collect::<Vec<_>>();
    let expected = [own(&[0x64, 0x65]), own(&[0x60, 0x61, 0x63, 0x66]), own(&[0x62])];
    assert_eq!(workers.taken(), expected);
}

#[test]
fn what_is_no_packet_is_for_the_first() {
    let workers = Workers::new(|_| Fake::default());
    workers.read(2, 100, vec![0x51; 200]);
    assert_eq!(workers.taken(), [vec![(0x51, What::Own); 2], vec![], vec![]]);
}

#[test]
fn a_handshake_goes_to_whom_it_names_and_to_who_dials_if_somebody_does() {
    let nobody = Workers::new(|_| Fake::default());
    nobody.read(0, 1200, first_message(2));
    assert_eq!(nobody.taken(), [vec![], vec![], vec![(0xc8, What::Own)]]);
    let second = Workers::new(|number| Fake { expects: number == 1, ..Fake::default() });
    second.read(0, 1200, [first_message(2), first_message(0)].concat());
    assert_eq!(second.taken(), [vec![], vec![(0xc8, What::Own); 2], vec![]]);
    let all = Workers::new(|_| Fake { expects: true, ..Fake::default() });
    all.read(0, 1200, first_message(2));
    assert_eq!(all.taken(), [vec![], vec![], vec![(0xc8, What::Own)]]);
}

#[test]
fn everybody_looks_at_what_may_be_a_reset() {
    let workers = Workers::new(|_| Fake { knows_nothing: true, ..Fake::default() });
    let reset = [(0x61, What::Reset)].to_vec();
    for reader in 0..3 {
        workers.read(reader, 60, short(0x61, 1, 60));
        let taken = [reset.clone(), [(0x61, What::Own)].to_vec(), reset.clone()];
        assert_eq!(workers.taken(), taken);
    }
    workers.read(0, 63, short(0x61, 1, 63));
    assert_eq!(workers.taken(), [vec![], vec![(0x61, What::Own)], vec![]]);
}

#[test]
fn a_worker_that_is_gone_keeps_nobody_from_the_rest() {
    let mut workers = Workers::new(|_| Fake::default());
    workers.all.truncate(2);
    let packets = [short(0x60, 2, 50), short(0x61, 1, 50), short(0x62, 0, 50)];
    workers.read(0, 50, packets.concat());
    let taken = workers.taken();
    assert!(taken[0].contains(&(0x62, What::Own)), "{taken:?}");
    assert_eq!(taken[1], [(0x61, What::Own)]);
}
