//! Every bound of the protocol core, with its reason. Queues, tables and loops elsewhere name one of these.

use std::time::Duration;

/// Largest handshake message accepted (SPEC §3.2): two fragments of 1144 bytes.
pub(crate) const HANDSHAKE_MESSAGE_MAX: usize = 2 * HANDSHAKE_FRAGMENT;

/// Payload of every handshake fragment but the last (SPEC §3.2): a 1200-byte datagram less the 56-byte header.
pub(crate) const HANDSHAKE_FRAGMENT: usize = 1144;

/// UDP payload that every path is assumed to carry (RFC 9000 §14).
pub(crate) const BASE_DATAGRAM: usize = 1200;

/// Largest UDP payload over IPv4; nothing larger is ever sent or accepted.
pub(crate) const DATAGRAM_MAX: usize = 65_507;

/// Packets that may be sent under one key before a key update (SPEC §6.2).
pub(crate) const KEY_UPDATE_PACKETS: u64 = 1 << 22;

/// Packets under one key after which nothing more is sealed (RFC 9001 §6.6, appendix B.1).
pub(crate) const CONFIDENTIALITY_LIMIT: u64 = 1 << 23;

/// Packets that failed to open after which the connection closes (SPEC §6.2).
pub(crate) const INTEGRITY_LIMIT: u64 = 1 << 36;

/// How far below the largest received number a packet may lie (SPEC §6.1).
pub(crate) const REPLAY_WINDOW: u64 = 16_384;

/// ACK ranges kept and sent: more gaps than this and the oldest are forgotten.
pub(crate) const ACK_RANGES: usize = 64;

/// How long a cookie proves an address (SPEC §4.1).
pub(crate) const COOKIE_LIFE: Duration = Duration::from_secs(120);

/// Longest reason in a CLOSE frame (SPEC §8).
pub(crate) const CLOSE_REASON_MAX: usize = 1000;

/// How long cookies are minted under one key (SPEC §4.1).
pub(crate) const COOKIE_KEY_LIFE: Duration = Duration::from_secs(60);

/// The first packet number that is never used (SPEC §6.1).
pub(crate) const PACKET_NUMBER_END: u64 = (1 << 62) - 1;

/// Connection ids that we accept from the peer at a time, and the most that we issue (SPEC §7.1): one in use and
/// spares for a side that moves often.
pub(crate) const ACTIVE_CIDS: u64 = 4;

/// RETIRE_CID frames that wait or are in flight before the connection is closed: a peer that makes us retire faster than
/// it acknowledges would otherwise fill our memory (CVE-2024-22189, CVE-2024-1410).
pub(crate) const RETIRE_QUEUE: usize = 32;

/// Sequence numbers of connection ids that may be missing at a time: a peer has at most [`ACTIVE_CIDS`] ids out, but
/// those that it replaces may be lost together with their replacements.
pub(crate) const MISSING_CIDS: u64 = 2 * ACTIVE_CIDS;

/// Bytes of unreliable datagrams that wait to be sent: a burst of a few milliseconds at 1 Gbit/s.
pub(crate) const DATAGRAM_SEND_BYTES: usize = 1 << 20;

/// Unreliable datagrams that wait to be sent; bounds the bookkeeping of very small ones.
pub(crate) const DATAGRAM_SEND_COUNT: usize = 4096;

/// Bytes of unreliable datagrams that wait for the application.
pub(crate) const DATAGRAM_RECV_BYTES: usize = 1 << 20;

/// Unreliable datagrams that wait for the application: empty ones take no bytes, and so must be counted.
pub(crate) const DATAGRAM_RECV_COUNT: usize = 4096;

/// How long a CLOSE may wait for a chance to be sent before the connection is forgotten without it.
pub(crate) const CLOSE_UNSENT: Duration = Duration::from_secs(3);

/// Datagrams of the initial congestion window (RFC 9002 §7.2).
pub(crate) const INITIAL_WINDOW_DATAGRAMS: u64 = 10;

/// Bytes of the initial congestion window, unless two datagrams are more (RFC 9002 §7.2).
pub(crate) const INITIAL_WINDOW_BYTES: u64 = 14_720;

/// Datagrams below which the congestion window never falls (RFC 9002 §7.2).
pub(crate) const MINIMUM_WINDOW_DATAGRAMS: u64 = 2;

/// Largest congestion window: 100 Gbit/s for a third of a second. Keeps all window arithmetic inside `u64`.
pub(crate) const CONGESTION_WINDOW_MAX: u64 = 1 << 32;

/// Round trip assumed before the first sample (RFC 9002 §6.2.2).
pub(crate) const INITIAL_RTT: Duration = Duration::from_millis(333);

/// Time at the pacing rate that may leave in one burst: what a coarse timer needs to keep up.
pub(crate) const PACER_BURST_TIME: Duration = Duration::from_millis(2);

/// Datagrams that may always leave in one burst (RFC 9002 §7.7: the initial window).
pub(crate) const PACER_BURST_DATAGRAMS: u64 = 10;

/// Largest burst of the pacer: four segment-offload batches; more would fill the queue of a shallow switch.
pub(crate) const PACER_BURST_MAX: u64 = 256 * 1024;

/// Time at the pacing rate that a blocked sender waits for, so that a batch is worth its system call.
pub(crate) const PACER_QUANTUM: Duration = Duration::from_millis(1);

/// Datagram sizes likely to be the limit of an IPv4 path, rising: Ethernet behind a 20-byte tunnel, Ethernet,
/// jumbo frames, 16 KiB interfaces (loopback of some systems), and the most that UDP over IPv4 carries.
pub(crate) const MTU_SIZES_V4: &[usize] = &[1452, 1472, 8972, 16_356, DATAGRAM_MAX];

/// The same over IPv6, whose header is 20 bytes longer; the last fits a 65,536-byte loopback interface.
pub(crate) const MTU_SIZES_V6: &[usize] = &[1432, 1452, 8952, 16_336, 65_488];

/// The MTU search ends when the largest known good and the smallest known bad size are this close.
pub(crate) const MTU_GRANULARITY: usize = 20;

/// Losses after which a probed size counts as too large (RFC 8899 §5.1.2, MAX_PROBES).
pub(crate) const MTU_PROBES: u8 = 3;

/// Rest before sizes above a found MTU are tried again (RFC 8899 §5.1.1, PMTU_RAISE_TIMER).
pub(crate) const MTU_RAISE_INTERVAL: Duration = Duration::from_secs(600);

/// Rest after a black hole before larger datagrams are tried again. Short, for a queue that overflows looks like one, and
/// the probes that follow tell which it was at the cost of a few packets.
pub(crate) const MTU_BLACK_HOLE_REST: Duration = Duration::from_secs(1);

/// Consecutive loss events of large packets, with none delivered between them, that make a black hole.
pub(crate) const MTU_BLACK_HOLE_EVENTS: u8 = 3;

/// Packets marked ECT(0) before the first evidence that the path carries the mark (RFC 9000 §A.4).
pub(crate) const ECN_TESTING_PACKETS: u64 = 10;

/// Bytes that may be sent to an unproved address for each byte received from it (RFC 9000 §8).
pub(crate) const AMPLIFICATION_FACTOR: u64 = 3;

/// PATH_CHALLENGE frames sent in one validation before its deadline decides.
pub(crate) const CHALLENGE_SENDS: u8 = 6;

/// Of the bytes that an unproved address may get, those that only PATH_CHALLENGE frames use, so that traffic cannot use up the room
/// of the question that would lift the bound: one smallest packet for each.
pub(crate) const CHALLENGE_RESERVE: u64 = 270;

/// Probe timeouts that a path validation may last (RFC 9000 §8.2.4).
pub(crate) const CHALLENGE_PTOS: u32 = 3;

/// Unit in which stream data is buffered. Large enough that a bulk transfer touches a page every few packets, small
/// enough that ten thousand streams with a few bytes each stay below 100 MB.
pub(crate) const STREAM_PAGE: usize = 8 * 1024;

/// Free pages that a connection keeps whatever it used lately: a short stream in each direction.
pub(crate) const STREAM_PAGES_SPARE: usize = 2;

/// Pages that a connection is done with, before free ones that were not needed meanwhile are given back: 128 MiB of a bulk transfer.
pub(crate) const STREAM_PAGES_PERIOD: usize = 16_384;

/// A `Bytes` chunk at least this long is sent from where it lies; shorter ones are cheaper to copy than to keep.
pub(crate) const STREAM_SHARED_MIN: usize = 2 * 1024;

/// Gaps in the received data of one stream (SPEC §9.3): a window of 64 MiB in which every second packet of
/// 1200 bytes is missing has 28,000.
pub(crate) const STREAM_GAPS: usize = 32_768;

/// Bytes that a stream sends before the next one of the same priority has its turn: long enough that the receiver's
/// reads are contiguous, short enough that a neighbour waits for a few packets only.
pub(crate) const STREAM_TURN: u64 = 16 * 1024;

/// A STREAM frame in a packet that already holds something carries at least this many bytes, or all there are.
pub(crate) const STREAM_FRAGMENT_MIN: usize = 32;

/// Unacknowledged bytes that every stream may buffer, however small the congestion window.
pub(crate) const STREAM_SEND_MIN: u64 = 128 * 1024;

/// Bytes of a stream that may wait to be sent for the first time: more would leave the processor's cache before that, and
/// be written before it is known what is more urgent.
pub(crate) const STREAM_UNSENT_MAX: u64 = 256 * 1024;

/// Streams of one direction that a peer may ever open (RFC 9000 §4.6).
pub(crate) const STREAMS_MAX: u64 = 1 << 60;

/// Largest offset on a stream and largest sum of offsets on a connection (RFC 9000 §4.5).
pub(crate) const OFFSET_MAX: u64 = (1 << 62) - 1;

/// The shortest delay of an acknowledgement that a peer may ask for: shorter ones than the timers can keep make no
/// difference.
pub(crate) const MIN_ACK_DELAY: Duration = Duration::from_millis(1);

/// The longest delay of an acknowledgement that a peer may ask for: the sender's timers build on it.
pub(crate) const MAX_ACK_DELAY: Duration = Duration::from_millis(250);

/// Packets without a request for acknowledgement that may follow each other; then one asks, so that old ACK ranges
/// need not be repeated (RFC 9000 §13.2.4).
pub(crate) const ACK_ONLY_STREAK: u32 = 32;

/// Acknowledgements per round trip that a sender asks for.
pub(crate) const ACKS_PER_ROUND_TRIP: u64 = 8;

/// The same if the way back loses often: a burst of losses there must not silence a whole round trip, or the window
/// stands still until a probe timeout.
pub(crate) const ACKS_OVER_LOSSY_PATH: u64 = 128;

/// The most packets that may wait for one acknowledgement: a GRO batch.
pub(crate) const ACK_THRESHOLD_MAX: u64 = 64;

/// Later packets that must be acknowledged before one is lost (RFC 9002 §6.1.1).
pub(crate) const PACKET_THRESHOLD: u64 = 3;

/// The same on paths that reorder; beyond it, time alone decides.
pub(crate) const PACKET_THRESHOLD_MAX: u64 = 256;

/// Timers are no finer than this (RFC 9002 §6.1.2).
pub(crate) const TIMER_GRANULARITY: Duration = Duration::from_millis(1);

/// Packets that leave when a probe timeout expires (RFC 9002 §6.2.4).
pub(crate) const PROBES: u8 = 2;

/// Probe timeouts in a row that double the next one.
pub(crate) const PROBE_BACKOFF: u32 = 10;

/// Probe timeouts in a row that do not, if the way back loses often: 16 packets, as long as most bursts of losses.
pub(crate) const PROBE_PATIENCE: u32 = 8;

/// The longest probe timeout.
pub(crate) const PROBE_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Losses that span more probe timeouts than this are persistent congestion (RFC 9002 §7.6.1).
pub(crate) const PERSISTENT_CONGESTION: u32 = 3;

/// Lost packets that are remembered, in case they arrive after all.
pub(crate) const LOST_REMEMBERED: usize = 512;

/// Probe timeouts for which a lost packet is remembered: what comes later is no reordering.
pub(crate) const LOST_PTOS: u32 = 3;

/// Round trips with losses, and none of them spurious, after which a raised packet threshold falls back (RFC 8985 §7.2).
pub(crate) const REORDERING_CALM: u8 = 16;

/// Packets that elicit no acknowledgement and whose fate is still awaited. A peer that never acknowledges them must not
/// fill our memory (CVE-2026-63075).
pub(crate) const BARE_TRACKED: usize = 256;

/// Settled packets kept among the open ones beyond a quarter of their number, so that clearing up pays.
pub(crate) const SETTLED_SLACK: usize = 64;

/// Ranges of one ACK that are heeded, from the largest down: four times what a peer may send.
pub(crate) const ACK_RANGES_HEEDED: usize = 4 * ACK_RANGES;

/// Mean distance between skipped packet numbers (SPEC §8.2) at the beginning: one falls into the first round trips.
pub(crate) const SKIP_DISTANCE_MIN: u64 = 64;

/// The same after a while: what a cheat can gain before it is found out stays in the order of some megabytes.
pub(crate) const SKIP_DISTANCE_MAX: u64 = 2048;

/// Skipped packet numbers that are remembered; who acknowledges what was not sent guesses at the newest numbers.
pub(crate) const SKIPS_REMEMBERED: usize = 16;

/// Packets that may be open at once: 190 MB in flight at 1452 bytes. A peer that lets more pile up does not acknowledge.
pub(crate) const SENT_PACKETS: u64 = 1 << 17;

/// Answers to PATH_CHALLENGE that wait; of more, the oldest are forgotten (CVE-2023-49295).
pub(crate) const PATH_ANSWERS: usize = 4;

/// Silence after which a connection gives back memory that it needs only while it is busy: long enough that a pause between
/// two messages costs nothing.
pub(crate) const REST_AFTER: Duration = Duration::from_secs(1);

/// Events about the connection itself that wait for the application.
pub(crate) const CONNECTION_EVENTS: usize = 64;

/// How long a dial may take (SPEC §5.5).
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// First wait for an answer to a handshake message (SPEC §5.5).
pub(crate) const HANDSHAKE_RETRY: Duration = Duration::from_millis(500);

/// Shortest wait before ESTABLISH is repeated (SPEC §5.5).
pub(crate) const ESTABLISH_RETRY_MIN: Duration = Duration::from_millis(100);

/// First wait between PUNCH packets (SPEC §5.5).
pub(crate) const PUNCH_INTERVAL: Duration = Duration::from_millis(50);

/// Longest wait between PUNCH packets.
pub(crate) const PUNCH_INTERVAL_MAX: Duration = Duration::from_millis(500);

/// How long a responder waits for ESTABLISH (SPEC §5.5).
pub(crate) const HALF_OPEN_LIFE: Duration = Duration::from_secs(10);

/// Handshakes that wait for ESTABLISH at once: about 5 MB.
pub(crate) const HALF_OPENS: usize = 1024;

/// Of these from one address while the endpoint is loaded.
pub(crate) const HALF_OPENS_PER_ADDRESS: usize = 4;

/// Handshakes that one network may begin per second while the endpoint is loaded.
pub(crate) const HANDSHAKES_PER_SECOND: u32 = 20;

/// Of these at once.
pub(crate) const HANDSHAKE_BURST: u32 = 5;

/// Networks whose handshakes are counted.
pub(crate) const LIMITER_NETWORKS: usize = 4096;

/// Handshake messages of which a fragment is missing: 2 MiB.
pub(crate) const PARTIALS: usize = 900;

/// Of these from one address and port.
pub(crate) const PARTIALS_PER_ADDRESS: usize = 4;

/// Datagrams outside connections that wait to be sent.
pub(crate) const OUTBOX: usize = 4096;

/// Connections of one endpoint, unless configured otherwise.
pub(crate) const CONNECTIONS: usize = 65_536;

/// Attributes of a STUN message that are looked at; the richest messages of RFC 8489 and RFC 8656 have a dozen.
pub(crate) const STUN_ATTRIBUTES: usize = 32;

/// Longest STUN message in a byte stream: room for every answer, and not for a flood (RFC 8489 §6.2.2).
pub(crate) const STUN_STREAM_MESSAGE: usize = 4096;

/// First wait for an answer of a STUN server, RTO (RFC 8489 §6.2.1).
pub(crate) const STUN_RETRY: Duration = Duration::from_millis(500);

/// The shortest first wait that may be configured.
pub(crate) const STUN_RETRY_MIN: Duration = Duration::from_millis(500);

/// How often a STUN request is sent, Rc (RFC 8489 §6.2.1).
pub(crate) const STUN_SENDS: u8 = 7;

/// First waits to let pass after the last send, Rm (RFC 8489 §6.2.1).
pub(crate) const STUN_LAST_WAIT: u32 = 16;

/// How long a STUN server may take to answer over TCP, Ti (RFC 8489 §6.2.2).
pub(crate) const STUN_STREAM_TIMEOUT: Duration = Duration::from_millis(39_500);

/// Requests that differ from the first, because a server wants credentials, calls a nonce stale or names another server. A
/// server that never has enough is given up.
pub(crate) const STUN_ROUNDS: u8 = 4;

/// Bytes that a STUN server sends to an address for each byte that came from it. An attacker who forges sources gains less than
/// with most other services, and with the headers of IP and UDP less still.
pub(crate) const STUN_AMPLIFICATION: usize = 3;

/// Answers of a STUN server to one source per second: twice what RFC 5780 §4.2 lets one client ask.
pub(crate) const STUN_PER_SECOND: u32 = 20;

/// Of these at once: several programs behind one NAT start together.
pub(crate) const STUN_BURST: u32 = 60;

/// Rates that a STUN server remembers; sources that collide share one. 32 KiB.
pub(crate) const STUN_BUCKETS: usize = 4096;

/// Answers of a STUN server that wait to be sent.
pub(crate) const STUN_RESPONSES: usize = 256;

/// Time between the starts of two questions about a NAT: ten per second (RFC 5780 §4.2).
pub(crate) const NAT_PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// How often such a question is asked. An answer that does not come is a finding, so that four lost datagrams make a wrong one.
pub(crate) const NAT_PROBE_SENDS: u8 = 4;

/// First waits to let pass after the last of them.
pub(crate) const NAT_PROBE_LAST_WAIT: u32 = 4;

/// Servers that are asked about a NAT; more tell nothing new.
pub(crate) const NAT_SERVERS: usize = 8;

/// Spare sockets that behaviour discovery uses. Eight ports show how they are chosen: by chance, eight of 65,536 fall into a block
/// of 2048 once in ten thousand million times.
pub(crate) const NAT_SPARE_SOCKETS: u16 = 7;

/// External ports below which nothing is said about how they are chosen.
pub(crate) const NAT_SAMPLES: usize = 5;

/// The widest step between ports that are given out one after the other: others behind the same NAT use some too.
pub(crate) const NAT_SEQUENTIAL_STEP: u16 = 16;

/// The widest range of ports that is taken for a block; carriers give a host up to 2048.
pub(crate) const NAT_BLOCK_SPAN: u16 = 2048;

/// Datagrams that look for hairpinning, from each of two sockets.
pub(crate) const NAT_HAIRPIN_SENDS: u8 = 4;

/// Time between two of them, and after the last.
pub(crate) const NAT_HAIRPIN_INTERVAL: Duration = Duration::from_millis(300);

/// Silences that are tried on mappings, in seconds: around the lifetimes that are common (30 and 120 s on Linux, 60, 180, and the
/// 300 of RFC 4787), so that one round finds these.
pub(crate) const NAT_LIFETIMES: &[u64] = &[15, 25, 28, 55, 58, 115, 118, 175, 235, 290];

/// Bounds of a lifetime this close to each other are close enough, however short it is.
pub(crate) const NAT_LIFETIME_GRAIN: Duration = Duration::from_secs(1);

/// Time between the first two questions of a socket whose mapping is then left idle: Linux takes traffic for a stream, which lives
/// longer, after two seconds.
pub(crate) const NAT_SETTLE: Duration = Duration::from_millis(2500);

/// How long a busy mapping is watched: mobile networks that end them do so within 75 s.
pub(crate) const NAT_WATCH: Duration = Duration::from_secs(150);

/// Time between its packets.
pub(crate) const NAT_WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Time between keep-alives where nothing was measured, and after a mapping has changed (RFC 8445 §11).
pub(crate) const KEEP_ALIVE_UNKNOWN: Duration = Duration::from_secs(15);

/// The longest time between keep-alives, however long mappings live: they may end for other reasons.
pub(crate) const KEEP_ALIVE_MAX: Duration = Duration::from_secs(120);

/// The shortest: what dies sooner cannot be kept alive at a price that is worth it.
pub(crate) const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);

/// Addresses of interfaces that a peer is told.
pub(crate) const CANDIDATES_HOST: usize = 6;

/// Of these, at most so many of one interface and family: privacy extensions give an interface many.
pub(crate) const CANDIDATES_PER_INTERFACE: usize = 2;

/// Addresses of a peer that are heeded (§18.1).
pub(crate) const CANDIDATES: usize = 16;

/// Below it are the services of operating systems: peers do not live there.
pub(crate) const PORT_UNPRIVILEGED: u16 = 1024;

/// The exception: what firewalls let out.
pub(crate) const PORT_HTTPS: u16 = 443;

/// How long an offer lives (§18.2).
pub(crate) const OFFER_LIFE: Duration = Duration::from_secs(60);

/// Offers that are remembered so that none is heeded twice: thirty a second while they live.
pub(crate) const OFFERS_SEEN: usize = 2048;

/// The longest time from an answer to the start that it names.
pub(crate) const PUNCH_START_DELAY_MAX: Duration = Duration::from_secs(10);

/// From one start of peers that have each other's tickets to the next: longer than a search without guesses.
pub(crate) const TICKET_PERIOD: Duration = Duration::from_secs(10);

/// How long a ticket is good: people have to carry it.
pub(crate) const TICKET_LIFE: Duration = Duration::from_secs(600);

/// How long a peer is waited for that has our ticket: several searches.
pub(crate) const MEET_TIME: Duration = Duration::from_secs(60);

/// How long an address in a ticket may take to answer before the next is dialled: two round trips over a satellite.
pub(crate) const CANDIDATE_DIAL: Duration = Duration::from_secs(2);

/// Characters of a ticket behind its scheme: sixteen candidates need 700.
pub(crate) const TICKET_MAX: usize = 1024;

/// IP addresses whose packets a relay lets in for one client: a few peers with some addresses each.
pub(crate) const TURN_PERMISSIONS: usize = 64;

/// Peers that have a channel at a relay. The others' packets have 36 bytes of header instead of four.
pub(crate) const TURN_CHANNELS: u16 = 64;

/// How long a permission lasts (RFC 8656 §9).
pub(crate) const TURN_PERMISSION_LIFETIME: Duration = Duration::from_secs(300);

/// How long a channel lasts (RFC 8656 §12).
pub(crate) const TURN_CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

/// How long after its end a channel's number stands for no other peer (RFC 8656 §12).
pub(crate) const TURN_CHANNEL_REST: Duration = Duration::from_secs(300);

/// What a relay gave is asked for again this long before its end, or at half of its time if that comes first: long enough to ask
/// until nobody can be expected to answer.
pub(crate) const TURN_MARGIN: Duration = Duration::from_secs(60);

/// An allocation is taken to last at least this long, so that a relay which says less is not asked all the time.
pub(crate) const TURN_LIFETIME_MIN: Duration = Duration::from_secs(10);

/// And no longer than this, whatever the relay says (RFC 8656 §7.2).
pub(crate) const TURN_LIFETIME_MAX: Duration = Duration::from_secs(3600);

/// How often a relay is asked for a sign of life, unless configured otherwise. It keeps the NAT's mapping alive too.
pub(crate) const TURN_LIFE_SIGN: Duration = Duration::from_secs(20);

/// The shortest such time that may be configured.
pub(crate) const TURN_LIFE_SIGN_MIN: Duration = Duration::from_secs(5);

/// How often a request to a relay is sent over UDP: with five sends and what follows, a dead one is known after 11.5 s.
pub(crate) const TURN_SENDS: u8 = 5;

/// First waits to let pass after the last of them.
pub(crate) const TURN_LAST_WAIT: u32 = 8;

/// NATs that we may be behind.
pub(crate) const PUNCH_LAYERS_MAX: u8 = 4;

/// How long each round opens the own NATs before anything reaches the peer's (§18.5).
pub(crate) const PUNCH_PRIMING: &[Duration] = &[
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
];

/// Time between the addresses of a round: a hundred per second are nothing to any network.
pub(crate) const PUNCH_PACE: Duration = Duration::from_millis(5);

/// Time between two guesses at a port, and between two of the sockets that wait for a guess.
pub(crate) const PUNCH_GUESS_INTERVAL: Duration = Duration::from_millis(2);

/// Ports of a NAT that are tried: with 256 sockets behind it, one is found 9997 times in 10,000.
pub(crate) const PUNCH_GUESSES: usize = 2048;

/// Sockets that wait for a guess.
pub(crate) const PUNCH_SOCKETS: u16 = 256;

/// Addresses of the peer's NAT for which each of these opens ours.
pub(crate) const PUNCH_TARGETS: usize = 2;

/// Ports behind the last one that are tried first where they follow each other: others use some meanwhile.
pub(crate) const PUNCH_WINDOW: u16 = 256;

/// The same where both sides guess: each guess uses a port up.
pub(crate) const PUNCH_WINDOW_BOTH: u16 = 16;

/// When a peer's relays are tried, from the start on: at once, because no NAT has to be opened first, and again for what is lost and for
/// a relay that has to permit us first. Two relays in a row are tried in the later half.
pub(crate) const PUNCH_RELAY_LAPS: &[Duration] = &[
    Duration::from_millis(0),
    Duration::from_millis(150),
    Duration::from_millis(450),
    Duration::from_millis(950),
    Duration::from_millis(1950),
    Duration::from_millis(3950),
];

/// Bits of the blocks of ports that carriers give a customer, the smallest first.
pub(crate) const PUNCH_BLOCKS: &[u32] = &[8, 9, 10, 11, 12];

/// Checks that are sent for one search.
pub(crate) const PUNCH_PACKETS: u32 = 4096;

/// Paths on which the peer is heard: of more the first ones serve as well.
pub(crate) const PUNCH_PAIRS: usize = 64;

/// From one check to the next on a path on which only we hear, and from one nomination to the next.
pub(crate) const PUNCH_RETRY: Duration = Duration::from_millis(100);

/// How often a path on which only we hear is tried.
pub(crate) const PUNCH_RETRIES: u8 = 10;

/// Checks that are sent on such a path for each one that came on it, besides those of the plan: sources can be forged.
pub(crate) const PUNCH_AMPLIFICATION: u32 = 3;

/// How long a better path may take to come after the first one.
pub(crate) const PUNCH_GRACE: Duration = Duration::from_millis(50);

/// How long the peer is answered after the end, and waited for after the last check.
pub(crate) const PUNCH_LINGER: Duration = Duration::from_secs(3);

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

/// Addresses that are reached by other sockets than the main one.
pub(crate) const NODE_ROUTES: usize = 1024;

/// First wait for an answer of a gateway that is asked for a port (RFC 6886 §3.1 has 250 ms). It is one hop away.
pub(crate) const PORT_MAP_RETRY: Duration = Duration::from_millis(500);

/// How often a gateway is asked. RFC 6886 has nine times in 64 s, and RFC 6887 never gives up; nobody waits for that.
pub(crate) const PORT_MAP_SENDS: u8 = 4;

/// First waits to let pass after the last of them.
pub(crate) const PORT_MAP_LAST_WAIT: u32 = 2;

/// How long a port is asked for by PCP and NAT-PMP (RFC 6886 §3.3).
pub(crate) const PORT_MAP_LIFETIME: Duration = Duration::from_secs(7200);

/// How long a port is asked for by UPnP, whose gateways keep what is forgotten.
pub(crate) const PORT_MAP_LEASE: Duration = Duration::from_secs(1200);

/// A port is asked for again after this time, or half of its own if that is shorter: a gateway that has restarted has it again by then.
pub(crate) const PORT_MAP_RENEWAL: Duration = Duration::from_secs(120);

/// The shortest such time, whatever the gateway says.
pub(crate) const PORT_MAP_RENEWAL_MIN: Duration = Duration::from_secs(10);

/// Ports below are never asked for: they are other services'.
pub(crate) const PORT_MAP_PORT_MIN: u16 = 1024;

/// Ports that UPnP gateways are asked for, one after the other, when they are taken.
pub(crate) const PORT_MAP_TRIES: u8 = 5;

/// Bytes of an HTTP answer that are looked at: device descriptions have 2 to 20 KiB.
pub(crate) const HTTP_ANSWER: usize = 65_536;

/// How long a UPnP gateway may take for one.
pub(crate) const HTTP_TIMEOUT: Duration = Duration::from_secs(5);

/// Spare sockets of an endpoint: what one search opens, what tickets tell of, and as many again for connections that live on one.
pub(crate) const SPARE_SOCKETS: usize = 512;

/// A round trip within which a peer is near: on the same host or in the same rack.
pub(crate) const NEAR: Duration = Duration::from_micros(500);

/// Bytes in flight to an address that is near, from which on its connections take turns: batches enough to keep a receiver
/// busy that handles several at once, and a part of the usual receive buffers.
pub(crate) const TURNS_IN_FLIGHT: u64 = 1024 * 1024;

/// Probe timeouts in a row, each twice as long, after which what is in flight to a peer keeps no other connection waiting: a
/// busy host may well be silent for the first of them.
pub(crate) const PROBES_IN_VAIN: u32 = 3;

/// One batch of segment offload, the most that a sender held back by the pacer waits for.
pub(crate) const BATCH_MAX: u64 = 64 * 1024;
