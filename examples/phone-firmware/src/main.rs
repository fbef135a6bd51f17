//! An IP phone on a Cortex-M3: provisioning by DHCP and TFTP, SIP, RTP, in 64 KiB.
//!
//! ```text
//!  board (clock, serial ports, Ethernet)
//!    └ embassy-net ── dhcp: where the configuration is
//!        ├ fetch: TFTP        tftp_core::client::Client
//!        ├ phone: SIP, SDP    sip_core::agent::Agent       ◀─ command: what is typed
//!        └ media: RTP, sound  rtp_core::session::Session   ◀─ orders of the phone
//! ```

#![no_std]
#![no_main]

mod board;
mod dhcp;
mod fetch;
mod media;
mod memory;
mod phone;
mod transport;

use core::fmt::Write;
use core::net::{Ipv4Addr, SocketAddr};
use core::panic::PanicInfo;

use board::executor;
use board::lan9118::Lan9118;
use board::uart::{self, Console, LINE_MAX};
use embassy_executor::Spawner;
use embassy_futures::select::{Either4, select4};
use embassy_net::tcp::TcpSocket;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_sync::blocking_mutex::raw::ThreadModeRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::Timer;
use heapless::{String, Vec};
use phone_firmware::config::{self, PhoneConfig};
use sip_core::agent::{Account, AccountId, Agent, Storage};
use sip_core::transaction::SentBy;
use sip_core::transport::Path;
use static_cell::{ConstStaticCell, StaticCell};

use crate::fetch::{Buffers, fetch, instant, now};
use crate::media::ORDERS;
use crate::phone::Phone;
use crate::transport::{Input, Transport};

/// The phone's own SIP port.
const SIP_PORT: u16 = 5060;
/// The longest SIP message that the phone takes.
const MESSAGE_MAX: usize = 2048;
/// The longest configuration file.
const FILE_MAX: usize = 512;
/// The longest ring tone: a quarter of a second, which is repeated.
const RING_MAX: usize = 2000;

/// One account, two calls, four subscriptions.
type SipStorage = Storage<1, 2, 4, 14, 8192>;

/// The longest SIP message that the phone sends.
const OUTPUT_MAX: usize = 2048;

/// Buffers of the socket that SIP uses, and before it TFTP.
struct SipBuffers {
    received: [u8; MESSAGE_MAX],
    sent: [u8; OUTPUT_MAX],
    input: [u8; MESSAGE_MAX],
    output: [u8; OUTPUT_MAX],
}

impl SipBuffers {
    const fn new() -> Self {
        Self {
            received: [0; MESSAGE_MAX],
            sent: [0; OUTPUT_MAX],
            input: [0; MESSAGE_MAX],
            output: [0; OUTPUT_MAX],
        }
    }
}

static RESOURCES: StaticCell<StackResources<4>> = StaticCell::new();
// Whatever is large is all zeros at first, so that flash need not hold it.
static MEDIA: ConstStaticCell<media::Memory> = ConstStaticCell::new(media::Memory::new());
static SIP: ConstStaticCell<SipStorage> = ConstStaticCell::new(SipStorage::new());
static SIP_BUFFERS: ConstStaticCell<SipBuffers> = ConstStaticCell::new(SipBuffers::new());
static SIP_METADATA: StaticCell<[[PacketMetadata; 4]; 2]> = StaticCell::new();
static AGENT: StaticCell<Agent<'static>> = StaticCell::new();
static PHONE: StaticCell<Phone> = StaticCell::new();
static RING: ConstStaticCell<Vec<u8, RING_MAX>> = ConstStaticCell::new(Vec::new());

/// What stands in memory for good, for the command `memory`.
const STATICS: &[(&str, usize)] = &[
    ("sip storage", size_of::<SipStorage>()),
    ("sip agent", size_of::<Agent<'_>>()),
    ("sip buffers", size_of::<SipBuffers>()),
    ("media", size_of::<media::Memory>()),
    ("rtp session", size_of::<rtp_core::session::Session<'_>>()),
    ("jitter buffer", size_of::<rtp_core::jitter::Buffer<'_>>()),
    ("tftp client", size_of::<tftp_core::client::Client<'_>>()),
    ("phone", size_of::<Phone>()),
    ("ring tone", RING_MAX),
    ("sdk", SDK_RAM as usize),
];

/// What the SDK's machines and their storage take in a call. A symbol, for tables made of the image.
#[used]
#[unsafe(no_mangle)]
static SDK_RAM: u32 = (size_of::<SipStorage>()
    + size_of::<Agent<'_>>()
    + media::SDK_RAM
    + size_of::<tftp_core::client::Client<'_>>()) as u32;

static LINES: Channel<ThreadModeRawMutex, Vec<u8, LINE_MAX>, 1> = Channel::new();

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, Lan9118>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn console() -> ! {
    loop {
        LINES.send(uart::line().await).await;
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    board::init();
    executor::run(|spawner| spawner.spawn(start(spawner).expect("one of it")))
}

#[embassy_executor::task]
async fn start(spawner: Spawner) {
    let _ = writeln!(Console, "phone: starting");
    let driver = Lan9118::new(dhcp::TAP);
    let mac = driver.address();
    defmt::info!("ethernet {=[u8; 6]:02x}", mac);
    let seed = board::seed(mac);
    // Sessions say some of their random numbers to everyone: theirs are never the agent's.
    let media_seed = seed.map(|octet| !octet);
    let network_seed = u64::from_le_bytes([mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], 0, 0]);
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) =
        embassy_net::new(driver, Config::dhcpv4(Default::default()), resources, network_seed);
    spawner.spawn(network(runner).expect("one of it"));
    spawner.spawn(console().expect("one of it"));

    stack.wait_config_up().await;
    let address = stack.config_v4().map_or(Ipv4Addr::UNSPECIFIED, |v4| v4.address.address());
    let _ = writeln!(Console, "phone: address {address}");
    let ring = RING.take();
    let buffers = SIP_BUFFERS.take();
    let lent = &mut Buffers {
        received: &mut buffers.received,
        sent: &mut buffers.sent,
        datagram: &mut buffers.input,
    };
    let config = provision(stack, mac, lent, ring).await;

    spawner.spawn(media::media(stack, MEDIA.take(), media_seed).expect("one of it"));
    run(stack, address, config, ring.len(), seed, buffers).await
}

/// Fetches the configuration and the ring tone; tries until there is a configuration.
async fn provision(
    stack: Stack<'static>,
    mac: [u8; 6],
    buffers: &mut Buffers<'_>,
    ring: &mut Vec<u8, RING_MAX>,
) -> PhoneConfig {
    let mut name = String::<32>::new();
    let [a, b, c, d, e, f] = mac;
    let _ = write!(name, "phone-{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}.cfg");
    for number in 0u16.. {
        let Some(server) = dhcp::provisioning_server() else {
            let _ =
                writeln!(Console, "phone: DHCP names no provisioning server (option 66 or 150)");
            Timer::after_secs(5).await;
            continue;
        };
        let mut file = Vec::<u8, FILE_MAX>::new();
        let fetched =
            fetch(stack, server, number % 100 * 2, name.as_bytes(), buffers, |_, data| {
                file.extend_from_slice(data).map_err(|_| "the file is too long")
            })
            .await;
        let result = match fetched {
            Err(reason) => Err(reason),
            Ok(_) => PhoneConfig::parse(&file).map_err(|error| {
                let _ = writeln!(Console, "phone: {name}: {error}");
                "the configuration cannot be used"
            }),
        };
        match result {
            Ok(config) => {
                let _ = writeln!(Console, "phone: configured by {name}");
                if !config.ring.is_empty() {
                    let tone = config.ring.as_bytes();
                    let fetched =
                        fetch(stack, server, number % 100 * 2 + 1, tone, buffers, |_, data| {
                            let room = ring.capacity() - ring.len();
                            let _ = ring.extend_from_slice(&data[..data.len().min(room)]);
                            Ok(())
                        });
                    match fetched.await {
                        Ok(octets) => {
                            let _ = writeln!(Console, "phone: ring tone of {octets} octets");
                        }
                        Err(reason) => {
                            let _ = writeln!(Console, "phone: no ring tone: {reason}");
                        }
                    }
                }
                return config;
            }
            Err(reason) => {
                let _ = writeln!(Console, "phone: {name}: {reason}");
                Timer::after_secs(5).await;
            }
        }
    }
    unreachable!("the numbers do not end before the phone does")
}

/// The phone's one loop: the drain rule, then whatever comes first.
async fn run(
    stack: Stack<'static>,
    address: Ipv4Addr,
    config: PhoneConfig,
    ring_octets: usize,
    seed: [u8; 32],
    buffers: &'static mut SipBuffers,
) -> ! {
    let server = SocketAddr::V4(config.server);
    let mut transport = match config.transport {
        config::Transport::Udp => {
            let [received, sent] = SIP_METADATA.init([[PacketMetadata::EMPTY; 4]; 2]);
            let mut socket =
                UdpSocket::new(stack, received, &mut buffers.received, sent, &mut buffers.sent);
            socket.bind(SIP_PORT).expect("the port is nobody else's");
            Transport::Udp(socket)
        }
        config::Transport::Tcp => {
            let socket = TcpSocket::new(stack, &mut buffers.received, &mut buffers.sent);
            Transport::Tcp { socket, server, kept: 0, more: false }
        }
    };
    let (agent, account) = start_agent(address, transport.path(server), &config, seed);
    let phone = PHONE.init_with(|| Phone::new(account, address, config, ring_octets));
    let mut up = true;

    loop {
        while let Some(transmit) = agent.poll_transmit(now(), &mut buffers.output) {
            let sent = transport.send(transmit, &buffers.output[..transmit.len]).await;
            if let Err(path) = sent {
                agent.handle_closed(now(), path);
            }
        }
        while let Some(order) = phone.next_order() {
            ORDERS.send(order).await;
        }
        // What the phone does to the agent in answer to an event may give it something to send.
        if take_event(agent, phone) {
            continue;
        }
        let due = agent.poll_timeout();
        let timer = async {
            match due {
                Some(due) => Timer::at(instant(due)).await,
                None => core::future::pending().await,
            }
        };
        let link = async {
            if up { stack.wait_config_down().await } else { stack.wait_config_up().await }
        };
        match select4(transport.receive(&mut buffers.input), LINES.receive(), timer, link).await {
            Either4::First(Input::Datagram(len, path)) => {
                take_datagram(agent, phone, path, &buffers.input[..len]);
            }
            Either4::First(Input::Stream(len, path)) => {
                match take_stream(agent, phone, path, &buffers.input[..len]) {
                    Some(used) => transport.consume(used, &mut buffers.input),
                    None => {
                        transport.close();
                        agent.handle_closed(now(), path);
                    }
                }
            }
            Either4::First(Input::Closed(path)) => agent.handle_closed(now(), path),
            Either4::Second(line) => phone.command(agent, &line),
            Either4::Third(()) => agent.handle_timeout(now()),
            Either4::Fourth(()) => {
                up = !up;
                let _ = writeln!(Console, "phone: network {}", if up { "up" } else { "down" });
                if up {
                    let _ = agent.register(now(), account);
                }
            }
        }
    }
}

// What follows is called and not inlined: what these functions need of the stack, they need one
// after another, and not all of them together for as long as the loop waits.

#[inline(never)]
fn start_agent(
    address: Ipv4Addr,
    server: Path,
    config: &PhoneConfig,
    seed: [u8; 32],
) -> (&'static mut Agent<'static>, AccountId) {
    let own = SocketAddr::new(address.into(), SIP_PORT);
    let mut agent_config = sip_core::agent::Config::new(SentBy::all(own));
    agent_config.user_agent = b"Handset phone";
    let agent =
        AGENT.init_with(|| Agent::new(agent_config, SIP.take(), seed).expect("it is complete"));
    let mut aor = String::<140>::new();
    let _ = write!(aor, "sip:{}@{}", config.user, config.domain);
    let mut account = Account::new(aor.as_bytes()).over(server, config.password.as_bytes());
    account.expires_s = config.expires_s;
    let account = agent.add_account(&account).expect("there is room for one");
    let _ = agent.register(now(), account);
    (agent, account)
}

/// Hands on what the agent has to tell; whether it had anything.
#[inline(never)]
fn take_event(agent: &mut Agent<'_>, phone: &mut Phone) -> bool {
    let event = agent.poll_event();
    let told = event.is_some();
    if let Some(event) = event {
        phone.event(agent, event);
    }
    told
}

#[inline(never)]
fn take_datagram(agent: &mut Agent<'_>, phone: &mut Phone, path: Path, octets: &[u8]) {
    // What is no SIP is not worth an answer.
    if let Ok(Some(event)) = agent.handle_datagram(now(), path, octets) {
        phone.event(agent, event);
    }
}

/// Takes a message of the stream; how many octets it had, 0 where more are needed, and nothing where
/// the connection is to be given up.
#[inline(never)]
fn take_stream(
    agent: &mut Agent<'_>,
    phone: &mut Phone,
    path: Path,
    octets: &[u8],
) -> Option<usize> {
    match agent.handle_stream(now(), path, octets) {
        Ok((0, _)) if octets.len() < MESSAGE_MAX => Some(0),
        Ok((0, _)) | Err(_) => None,
        Ok((used, event)) => {
            if let Some(event) = event {
                phone.event(agent, event);
            }
            Some(used)
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // Neither what nor where, since texts and places of all panics take 25 KiB of flash: who called
    // whom says as much to addr2line.
    let _ = Console.write_str("phone: panic; for addr2line:");
    memory::callers(|address| {
        let _ = write!(Console, " {address:x}");
    });
    let _ = Console.write_str("\n");
    loop {
        cortex_m::asm::bkpt();
    }
}
