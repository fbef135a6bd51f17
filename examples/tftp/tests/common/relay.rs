//! A network between a client and a server that takes its time and loses some.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use handset_testkit::Random;

/// How often a thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);

/// How bad the network is, each way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) delay: Duration,
    pub(crate) loss_per_mille: u32,
}

/// Passes datagrams between the clients that send to it and a server, until it is dropped.
pub(crate) struct Relay {
    /// Where clients send their requests.
    pub(crate) address: SocketAddr,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn start(server: SocketAddr, way: Way, seed: u64) -> Self {
        let listener = bind();
        let address = listener.local_addr().unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let network =
            Network { way, random: Arc::new(Mutex::new(Random::new(seed))), end: Arc::clone(&end) };
        let thread = std::thread::spawn(move || network.listen(&listener, server));
        Self { address, end, thread: Some(thread) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Clone)]
struct Network {
    way: Way,
    random: Arc<Mutex<Random>>,
    end: Arc<AtomicBool>,
}

type Datagram = (Instant, Vec<u8>, SocketAddr);

impl Network {
    /// Takes the first datagram of each client; from then on the two have sockets of their own.
    fn listen(&self, listener: &UdpSocket, server: SocketAddr) {
        let mut clients = HashMap::new();
        let mut threads = Vec::new();
        self.receive(listener, |octets, client| {
            let there = clients.entry(client).or_insert_with(|| {
                let (here, there) = (Arc::new(bind()), Arc::new(bind()));
                // The server's end of the transfer is where it has answered from.
                let tid = Arc::new(Mutex::new(server));
                let (network, seen) = (self.clone(), Arc::clone(&tid));
                let (from, to) = (Arc::clone(&there), Arc::clone(&here));
                threads.push(std::thread::spawn(move || {
                    let out = network.sender(to);
                    network.receive(&from, |octets, remote| {
                        *seen.lock().unwrap() = remote;
                        network.pass(&out, octets, client);
                    });
                }));
                let (network, from, to) = (self.clone(), here, Arc::clone(&there));
                threads.push(std::thread::spawn(move || {
                    let out = network.sender(to);
                    network.receive(&from, |octets, _| {
                        let tid = *tid.lock().unwrap();
                        network.pass(&out, octets, tid);
                    });
                }));
                self.sender(there)
            });
            self.pass(there, octets, server);
        });
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn receive(&self, socket: &UdpSocket, mut handle: impl FnMut(&[u8], SocketAddr)) {
        let mut buffer = vec![0; 65536];
        while !self.end.load(Ordering::Relaxed) {
            if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                handle(&buffer[..len], from);
            }
        }
    }

    /// Sends what it is given when its time has come; all take the same time, so none overtakes.
    fn sender(&self, socket: Arc<UdpSocket>) -> std::sync::mpsc::Sender<Datagram> {
        let (sender, queue): (_, Receiver<Datagram>) = channel();
        std::thread::spawn(move || {
            for (at, octets, to) in queue {
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                let _ = socket.send_to(&octets, to);
            }
        });
        sender
    }

    fn pass(&self, out: &std::sync::mpsc::Sender<Datagram>, octets: &[u8], to: SocketAddr) {
        if !self.random.lock().unwrap().chance(self.way.loss_per_mille) {
            let _ = out.send((Instant::now() + self.way.delay, octets.to_vec(), to));
        }
    }
}

fn bind() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TICK)).unwrap();
    socket
}
