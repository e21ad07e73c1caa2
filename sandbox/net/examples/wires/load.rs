//! Load on a link: datagrams at a pace, TCP connections as fast as they can

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::ground::{Ground, HOST, Vgw};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// Datagrams whose IP packet has so many bytes.
    Datagrams(usize),
    /// So many TCP connections.
    Flows(usize),
}

/// Load that is being sent, until it is dropped.
pub(crate) struct Sent {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Sent {
    /// Connects from inside, which is what the firewall lets through, and sends `way`; datagrams
    /// at `pace` bits of frames a second.
    pub(crate) fn begin(ground: &Ground, vgw: &Vgw, way: Way, load: Load, pace: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = match load {
            Load::Datagrams(size) => {
                let (sender, receiver) = sockets(ground, vgw, way);
                let (pushing, taking) = (Arc::clone(&stop), Arc::clone(&stop));
                vec![
                    std::thread::spawn(move || push(&sender, size, pace, &pushing)),
                    std::thread::spawn(move || take(&receiver, &taking)),
                ]
            }
            Load::Flows(count) => {
                let (inner, outer) = flows(ground, vgw, count);
                let (senders, receivers) = match way {
                    Way::Up => (inner, outer),
                    Way::Down => (outer, inner),
                };
                let (pouring, drinking) = (Arc::clone(&stop), Arc::clone(&stop));
                vec![
                    std::thread::spawn(move || pour(senders, &pouring)),
                    std::thread::spawn(move || drink(receivers, &drinking)),
                ]
            }
        };
        Self { stop, threads }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// The port of the world that a virtual gateway connects to.
fn port(vgw: &Vgw) -> u16 {
    5000 + vgw.slot.get()
}

/// Sender and receiver of datagrams, each connected to the other.
fn sockets(ground: &Ground, vgw: &Vgw, way: Way) -> (UdpSocket, UdpSocket) {
    let outer = ground
        .world
        .inside(|| UdpSocket::bind((HOST, port(vgw))).unwrap());
    let inner = vgw
        .space
        .inside(|| UdpSocket::bind((vgw.address(), 0)).unwrap());
    for socket in [&outer, &inner] {
        let patience = Some(Duration::from_millis(100));
        socket.set_read_timeout(patience).unwrap();
    }
    inner.connect((HOST, port(vgw))).unwrap();
    inner.send(b"hello").unwrap();
    let mut buffer = [0; 16];
    let from = (0..50).find_map(|_| outer.recv_from(&mut buffer).ok());
    outer.connect(from.unwrap().1).unwrap();
    match way {
        Way::Up => (inner, outer),
        Way::Down => (outer, inner),
    }
}

/// In portions of two milliseconds.
fn push(socket: &UdpSocket, size: usize, pace: u64, stop: &AtomicBool) {
    let payload = vec![0x55; size - 28];
    let frame = (size + 14) as f64 * 8.0;
    let mut owed = 0.0;
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(2));
        let now = Instant::now();
        // After a pause of the machine the debt is not paid back at once.
        owed += (now - last).as_secs_f64().min(0.02) * pace as f64 / frame;
        last = now;
        while owed >= 1.0 {
            // What does not fit the queue is dropped there: that is the point.
            let _ = socket.send(&payload);
            owed -= 1.0;
        }
    }
}

fn take(socket: &UdpSocket, stop: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        let _ = socket.recv(&mut buffer);
    }
}

/// Connections from inside to the world: inner ends, outer ends.
fn flows(ground: &Ground, vgw: &Vgw, count: usize) -> (Vec<TcpStream>, Vec<TcpStream>) {
    let listener = ground
        .world
        .inside(|| TcpListener::bind((HOST, port(vgw))).unwrap());
    vgw.space.inside(|| {
        let pairs = (0..count).map(|_| {
            let inner = TcpStream::connect((HOST, port(vgw))).unwrap();
            let outer = listener.accept().unwrap().0;
            for end in [&inner, &outer] {
                end.set_nonblocking(true).unwrap();
                // Reset when closed: what still waits shall not disturb what comes next.
                rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO)).unwrap();
            }
            (inner, outer)
        });
        pairs.unzip()
    })
}

fn pour(mut streams: Vec<TcpStream>, stop: &AtomicBool) {
    let chunk = vec![0x55; 16 << 10];
    while !stop.load(Ordering::Relaxed) {
        for at in ready(&streams, PollFlags::OUT) {
            let _ = streams[at].write(&chunk);
        }
    }
}

fn drink(mut streams: Vec<TcpStream>, stop: &AtomicBool) {
    let mut buffer = vec![0; 64 << 10];
    while !stop.load(Ordering::Relaxed) {
        for at in ready(&streams, PollFlags::IN) {
            match streams[at].read(&mut buffer) {
                Ok(_) => {}
                // The sender was stopped first.
                Err(_) if stop.load(Ordering::Relaxed) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("a flow broke: {error}"),
            }
        }
    }
}

/// Which of them need not be waited for.
fn ready(streams: &[TcpStream], flags: PollFlags) -> Vec<usize> {
    let polled = |stream| PollFd::from_borrowed_fd(stream, flags);
    let mut polls: Vec<_> = streams.iter().map(AsFd::as_fd).map(polled).collect();
    let patience = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    let _ = poll(&mut polls, Some(&patience));
    let found = polls.iter().enumerate();
    found
        .filter(|(_, poll)| !poll.revents().is_empty())
        .map(|(at, _)| at)
        .collect()
}
