//! The interface for tasks, under two executors that know nothing of each other.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::executor::block_on;
use srudp::{ApplicationCode, Connection, ConnectionError, Endpoint, EndpointBuilder, RecvStream};

struct Pair {
    dialler: Connection,
    listener: Connection,
    dialling: Endpoint,
    listening: Endpoint,
}

async fn pair() -> Pair {
    let bind = |builder: EndpointBuilder| builder.bind("127.0.0.1:0").unwrap();
    connect(bind(Endpoint::builder().accept(true)), bind(Endpoint::builder())).await
}

/// The same, served by tasks.
#[cfg(unix)]
async fn pair_in_tokio() -> Pair {
    let bind = |builder: EndpointBuilder| builder.bind_in_tokio("127.0.0.1:0").unwrap();
    connect(bind(Endpoint::builder().accept(true)), bind(Endpoint::builder())).await
}

async fn connect(listening: Endpoint, dialling: Endpoint) -> Pair {
    let dial = dialling.connect_async(listening.peer_id(), listening.local_addr());
    let (dialler, listener) = tokio::join!(dial, listening.accept_async());
    Pair { dialler: dialler.unwrap(), listener: listener.unwrap(), dialling, listening }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

/// The next bytes of a stream, seen by a thread.
fn shown(receiver: &RecvStream) -> Vec<u8> {
    let mut all = Vec::new();
    let take = |data: &[u8]| {
        all.extend_from_slice(data);
        data.len()
    };
    receiver.read_with(take).unwrap();
    all
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn streams_echo_under_futures() {
    use futures::io::{AsyncReadExt, AsyncWriteExt};

    block_on(async {
        let pair = pair().await;
        let data = pattern(3 << 20);
        let (mut send, mut recv) =
            pair.dialler.open_stream_async().await.unwrap().into_async().into_split();
        let writing = async {
            send.write_all(&data).await.unwrap();
            send.close().await.unwrap();
            send.finish().await.unwrap();
        };
        let reading = async {
            let mut received = Vec::new();
            recv.read_to_end(&mut received).await.unwrap();
            received
        };
        let echoing = async {
            let stream = pair.listener.accept_stream_async().await.unwrap().into_async();
            let (mut send, recv) = stream.into_split();
            futures::io::copy(recv, &mut send).await.unwrap();
            send.close().await.unwrap();
        };
        let ((), received, ()) = tokio::join!(writing, reading, echoing);
        assert!(received == data);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_echo_under_tokio() {
    echo_under_tokio(pair().await).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn streams_echo_where_tasks_serve_the_sockets() {
    echo_under_tokio(pair_in_tokio().await).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "current_thread")]
async fn streams_echo_where_one_thread_does_everything() {
    echo_under_tokio(pair_in_tokio().await).await;
}

async fn echo_under_tokio(pair: Pair) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = pair.listener.clone();
    let echoing = tokio::spawn(async move {
        for _ in 0..8 {
            let mut stream = listener.accept_stream_async().await.unwrap().into_async();
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(&mut stream);
                tokio::io::copy(&mut reader, &mut writer).await.unwrap();
                writer.shutdown().await.unwrap();
            });
        }
    });
    let tasks: Vec<_> = (0..8)
        .map(|index| {
            let connection = pair.dialler.clone();
            tokio::spawn(async move {
                let data = pattern(500_000 + index);
                let stream = connection.open_stream_async().await.unwrap().into_async();
                let (mut send, mut recv) = stream.into_split();
                let mut received = Vec::new();
                let writing = async {
                    send.write_all(&data).await.unwrap();
                    send.shutdown().await.unwrap();
                };
                let reading = recv.read_to_end(&mut received);
                let ((), read) = tokio::join!(writing, reading);
                read.unwrap();
                assert!(received == data);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    echoing.await.unwrap();
}

/// Many short answers, one after the other: the tasks that read look for them awake.
async fn ping(pair: &Pair, times: usize) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut dialler = pair.dialler.open_stream_async().await.unwrap().into_async();
    let pinging = async {
        for n in 0..times {
            let mut answer = [0];
            dialler.write_all(&[n as u8]).await.unwrap();
            dialler.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [n as u8]);
        }
        dialler.shutdown().await.unwrap();
    };
    let answering = async {
        let mut listener = pair.listener.accept_stream_async().await.unwrap().into_async();
        let mut question = [0];
        while listener.read(&mut question).await.unwrap() > 0 {
            listener.write_all(&question).await.unwrap();
        }
    };
    tokio::join!(pinging, answering);
}

#[test]
fn answers_come_under_any_executor() {
    block_on(async { ping(&pair().await, 500).await });
}

#[cfg(unix)]
#[tokio::test(flavor = "current_thread")]
async fn answers_come_where_one_thread_does_everything() {
    ping(&pair_in_tokio().await, 500).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn answers_come_where_tasks_serve_the_sockets() {
    let pair = pair_in_tokio().await;
    tokio::spawn(async move { ping(&pair, 500).await }).await.unwrap();
}

#[tokio::test]
async fn a_task_that_is_not_polled_any_more_keeps_the_socket_from_nobody() {
    use tokio::io::AsyncReadExt;

    let pair = pair().await;
    let silent = pair.listener.open_uni_async().await.unwrap();
    silent.write_bytes(&b"?"[..]).unwrap();
    let unread = pair.dialler.accept_uni_async().await.unwrap();
    unread.read_with(|_| 1).unwrap();
    for _ in 0..20 {
        ping(&pair, 50).await;
        let mut buffer = [0];
        let mut abandoned = unread.clone().into_async();
        assert!(poll_once(abandoned.read(&mut buffer)).is_pending());
        // A task that accepts does not read the socket itself.
        let greeting = pair.listener.open_uni_async().await.unwrap();
        greeting.write_bytes(&b"hello"[..]).unwrap();
        pair.dialler.accept_uni_async().await.unwrap();
    }
}

#[tokio::test]
async fn a_wait_that_is_dropped_loses_nothing() {
    let pair = pair().await;
    for _ in 0..3 {
        let accept = pair.listener.accept_uni_async();
        let expired = tokio::time::timeout(Duration::from_millis(5), accept).await;
        assert!(expired.is_err());
    }
    let sender = pair.dialler.open_uni_async().await.unwrap();
    sender.write_bytes(&b"kept"[..]).unwrap();
    sender.finish_async().await.unwrap();
    let receiver = pair.listener.accept_uni_async().await.unwrap();
    assert_eq!(shown(&receiver), b"kept");
}

#[test]
fn of_tasks_that_wait_to_accept_one_is_woken_and_another_when_that_one_goes() {
    struct Tell(usize, mpsc::Sender<usize>);

    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            let _ = self.1.send(self.0);
        }
    }

    let pair = block_on(pair());
    let (tell, told) = mpsc::channel();
    let wakers = [0, 1].map(|number| Waker::from(Arc::new(Tell(number, tell.clone()))));
    let mut accepting = [0, 1].map(|_| Some(Box::pin(pair.listening.accept_async())));
    let mut poll = |number: usize| {
        let future = accepting[number].as_mut().unwrap().as_mut();
        future.poll(&mut Context::from_waker(&wakers[number]))
    };
    assert!(poll(0).is_pending() && poll(1).is_pending());
    let (peer, addr) = (pair.listening.peer_id(), pair.listening.local_addr());
    let _connection = block_on(pair.dialling.connect_async(peer, addr)).unwrap();
    let woken = told.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(told.try_recv().is_err(), "there is one connection to accept");
    let other = 1 - woken;
    accepting[woken] = None;
    assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(other));
    let future = accepting[other].as_mut().unwrap().as_mut();
    assert!(future.poll(&mut Context::from_waker(&wakers[other])).is_ready());
}

#[tokio::test]
async fn an_abandoned_dial_leaves_nothing_behind() {
    let endpoint = Endpoint::builder().bind("127.0.0.1:0").unwrap();
    let void = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let peer = srudp::Identity::generate().peer_id();
    assert!(poll_once(endpoint.connect_async(peer, void.local_addr().unwrap())).is_pending());
    assert_eq!(endpoint.stats().connections, 0);
}

#[tokio::test]
async fn a_close_ends_every_wait() {
    let pair = pair().await;
    let code = ApplicationCode::new(4);
    let waits = async {
        let connection = &pair.dialler;
        tokio::join!(
            connection.closed_async(),
            async { connection.accept_stream_async().await.unwrap_err() },
            async { connection.accept_uni_async().await.unwrap_err() },
            async { connection.recv_datagram_async().await.unwrap_err() },
        )
    };
    let closing = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        pair.listener.close_async(code, b"bye", Duration::from_secs(5)).await
    };
    let (ended, closed) = tokio::join!(waits, closing);
    closed.unwrap();
    let expected = ConnectionError::PeerClosed { code, reason: b"bye".to_vec() };
    assert_eq!(ended, (expected.clone(), expected.clone(), expected.clone(), expected));
}

#[test]
fn datagrams_pass_between_tasks() {
    block_on(async {
        let pair = pair().await;
        pair.dialler.send_datagram_async(&b"hello"[..]).await.unwrap();
        assert_eq!(pair.listener.recv_datagram_async().await.unwrap(), &b"hello"[..]);
        assert_ne!(pair.dialling.peer_id(), pair.listening.peer_id());
    });
}

#[test]
fn peers_with_tickets_meet_and_a_meeting_that_is_dropped_is_over() {
    block_on(async {
        let [a, b] = [(); 2].map(|()| Endpoint::builder().bind("127.0.0.1:0").unwrap());
        let (to_a, to_b) = tokio::join!(a.ticket_async(), b.ticket_async());
        let (to_a, to_b) = (to_a.unwrap(), to_b.unwrap());
        let patience = Duration::from_secs(25);
        assert!(poll_once(a.meet_async(&to_b, patience)).is_pending());
        let (met, other) =
            tokio::join!(a.meet_async(&to_b, patience), b.meet_async(&to_a, patience));
        let (met, other) = (met.unwrap(), other.unwrap());
        assert_eq!(met.connection.peer_id(), b.peer_id());
        assert_eq!(other.connection.peer_id(), a.peer_id());
        assert_eq!(a.stats().connections, 1);
    });
}

#[cfg(unix)]
mod served_by_a_task {
    use super::*;
    use srudp::{DialError, EndpointClosed, Identity, TransportConfig};
    use tokio::runtime::{Builder, Runtime};

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn there_has_to_be_a_runtime() {
        let error = Endpoint::builder().bind_in_tokio("127.0.0.1:0").unwrap_err();
        assert!(error.to_string().contains("runtime"), "{error}");
    }

    #[tokio::test]
    async fn its_timers_expire() {
        let patience = Duration::from_millis(50);
        let transport = TransportConfig::default().handshake_timeout(patience);
        let endpoint =
            Endpoint::builder().transport(transport).bind_in_tokio("127.0.0.1:0").unwrap();
        let void = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let dial = endpoint
            .connect_async(Identity::generate().peer_id(), void.local_addr().unwrap())
            .await;
        let error = dial.unwrap_err();
        assert!(matches!(error, DialError::Failed(ConnectionError::HandshakeTimedOut)), "{error}");
    }

    #[test]
    fn threads_may_wait_for_it() {
        let runtime = runtime();
        let pair = runtime.block_on(pair_in_tokio());
        let sender = pair.dialler.open_uni().unwrap();
        sender.write_bytes(&b"kept"[..]).unwrap();
        sender.finish().unwrap();
        let receiver = pair.listener.accept_uni().unwrap();
        assert_eq!(shown(&receiver), b"kept");
        pair.dialling.rebind("127.0.0.1:0").unwrap();
    }

    #[test]
    fn when_the_runtime_ends_every_wait_does() {
        let runtime = runtime();
        let pair = runtime.block_on(pair_in_tokio());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pair.listening.accept());
            runtime.shutdown_timeout(Duration::from_secs(5));
            assert_eq!(waiting.join().unwrap().unwrap_err(), EndpointClosed);
        });
    }
}
