//! Gathering, searches, routes and meetings.

use std::time::Duration;

/// How long a peer is waited for that has our ticket: several searches.
pub(crate) const MEET_TIME: Duration = Duration::from_secs(60);

/// How long an address in a ticket may take to answer before the next is dialled: two round trips over a satellite.
pub(crate) const CANDIDATE_DIAL: Duration = Duration::from_secs(2);

/// Spare sockets whose addresses peers are told, one for each later round of a search (§18.5).
pub(crate) const GATHER_SPARES: u16 = 3;

/// The longest time that gathering takes, whoever is silent: a person waits for the result.
pub(crate) const GATHER_TIME: Duration = Duration::from_secs(3);

/// Time between the starts of two questions: Ta of RFC 8445 §14.2.
pub(crate) const GATHER_INTERVAL: Duration = Duration::from_millis(50);

/// How often such a question is asked.
pub(crate) const GATHER_SENDS: u8 = 3;

/// First waits to let pass after the last of them: a silent server is given up after 2.5 s.
pub(crate) const GATHER_LAST_WAIT: u32 = 2;

/// How often a server is asked to answer from elsewhere. Silence is a finding, and a wrong one costs some datagrams.
pub(crate) const GATHER_FILTER_SENDS: u8 = 2;

/// Servers that the spare sockets ask: with two each, there are enough ports to see how they are chosen.
pub(crate) const GATHER_TARGETS: usize = 2;

/// Searches for peers that run at a time.
pub(crate) const NODE_SEARCHES: usize = 16;

/// Numbers of the sockets that searches open begin here; those below are for whoever drives the node.
pub(crate) const NODE_SOCKETS_FROM: u16 = 1024;

/// Numbers of the spare sockets whose addresses peers are told begin here.
pub(crate) const NODE_SPARES_FROM: u16 = 512;

/// Relays that a node has an address at.
pub(crate) const NODE_RELAYS: usize = 4;

/// Numbers of these addresses, which are sockets to whoever searches, begin here.
pub(crate) const NODE_RELAYS_FROM: u16 = 256;

/// Numbers of the sockets that measure how long the NAT keeps mappings, behind the last row of spare ones, begin here.
pub(crate) const NODE_LIFETIME: u16 = 1011;

/// How long after the death of a path it is measured again how long the NAT keeps mappings. Each further time it is twice as long.
pub(crate) const NODE_LIFETIME_RETRY: Duration = Duration::from_secs(600);

/// The longest.
pub(crate) const NODE_LIFETIME_RETRY_MAX: Duration = Duration::from_secs(86_400);

/// Number of the socket from which the gateway is asked for a port, behind these.
pub(crate) const NODE_GATEWAY: u16 = 1023;

/// Number of the TCP connection to a gateway that speaks UPnP, behind those to relays.
pub(crate) const NODE_GATEWAY_HTTP: u16 = 511;

/// How long a ticket waits for a gateway of which nothing is heard: one that speaks any protocol answers within milliseconds.
pub(crate) const NODE_GATEWAY_WAIT: Duration = Duration::from_millis(300);

/// How long it waits for a port where the gateway has answered: UPnP takes five exchanges, behind the patience for what is better.
pub(crate) const NODE_GATEWAY_TIME: Duration = Duration::from_millis(1500);

/// How long a gateway is waited for that a port is given back to.
pub(crate) const NODE_GATEWAY_FAREWELL: Duration = Duration::from_millis(500);

/// How long a relay may be silent over UDP before it is asked over TCP as well: when the first request is sent again (§17.1).
pub(crate) const NODE_STREAM_AFTER: Duration = Duration::from_millis(500);

/// First wait before a relay that was lost is asked anew. Each further one is twice as long.
pub(crate) const NODE_RELAY_RETRY: Duration = Duration::from_secs(5);

/// The longest.
pub(crate) const NODE_RELAY_RETRY_MAX: Duration = Duration::from_secs(320);

/// Addresses of a peer for which a relay is asked to let it in: what it tells of itself.
pub(crate) const NODE_PERMITS: usize = 8;

/// Probe timeouts in a row after which a direct path counts as dead, and the relay is tried: one of them may be a burst of losses.
pub(crate) const NODE_DEAD_TIMEOUTS: u32 = 2;

/// First wait before a direct path that was left is tried again. Each further one is twice as long, up to that between keep-alives.
pub(crate) const NODE_DIRECT_RETRY: Duration = Duration::from_secs(1);

/// How long the way that comes next is tried alone after the one in use has fallen silent, before all others are tried too.
pub(crate) const NODE_DETOUR_WAIT: Duration = Duration::from_secs(1);

/// How much later the side that was dialled tries them: what the other one finds in that time is taken.
pub(crate) const NODE_DETOUR_YIELD: Duration = Duration::from_millis(250);

/// First wait before they are tried again, as long as one is asked. Each further one is twice as long, up to that between keep-alives.
pub(crate) const NODE_DETOUR_RETRY: Duration = Duration::from_secs(3);

/// How often a relay is tried at which a peer says that it is, and was not met yet: who lies about it aims full datagrams at somebody.
pub(crate) const NODE_DETOUR_TRIES: u8 = 8;

/// Relays of a peer's that are remembered in all, so that none is tried more often for being told anew: as many as are in four lists.
pub(crate) const NODE_TOLD_RELAYS: usize = 16;

/// From one search that a list of the peer's starts to the next. Twice as long after each that finds nothing.
pub(crate) const NODE_RENEWAL_INTERVAL: Duration = Duration::from_secs(5);

/// The longest.
pub(crate) const NODE_RENEWAL_INTERVAL_MAX: Duration = Duration::from_secs(320);

/// The longest wait before a search that has found nothing is made again without being asked for: some hundred datagrams per hour.
pub(crate) const NODE_RENEWAL_REPEAT_MAX: Duration = Duration::from_secs(3600);

/// So many times as long after one with guesses or many sockets, which costs so much more.
pub(crate) const NODE_RENEWAL_WIDE: u32 = 4;

/// How long a list waits for its answer before the peer's own goes first: longer than the peer takes to gather.
pub(crate) const NODE_RENEWAL_YIELD: Duration = Duration::from_secs(5);

/// From one list of a peer's that is heeded to the next: each may let other addresses in by our relays.
pub(crate) const NODE_LIST_INTERVAL: Duration = Duration::from_secs(1);

/// Lists that are heeded at once after a pause: ones that cross ours, and their answers.
pub(crate) const NODE_LISTS: u32 = 4;

/// When it is looked again whether there is room for one more search.
pub(crate) const NODE_RENEWAL_PAUSE: Duration = Duration::from_millis(250);

/// Addresses that are reached by other sockets than the main one.
pub(crate) const NODE_ROUTES: usize = 1024;

/// Spare sockets of an endpoint: what one search opens, what tickets tell of, and as many again for connections that live on one.
pub(crate) const SPARE_SOCKETS: usize = 512;

/// Pairs of networks of which it is remembered how a path was found: those that one person is in.
pub(crate) const NODE_MEMORY: usize = 64;

/// How long that is believed. NATs do not change by the hour, but hosts move.
pub(crate) const NODE_MEMORY_LIFE: Duration = Duration::from_secs(3600);
