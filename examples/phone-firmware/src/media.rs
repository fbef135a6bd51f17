//! The sound of a call: RTP in both directions, twenty milliseconds at a time.

use core::fmt::Write;
use core::net::SocketAddr;

use embassy_futures::select::{Either3, select3};
use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_sync::blocking_mutex::raw::ThreadModeRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::{Duration, Ticker};
use heapless::Deque;
use phone_ciphers::Ciphers;
use phone_firmware::config::Microphone;
use phone_firmware::tone::Tone;
use rtp_core::adapter::embassy_net::{Protection, Runner};
use rtp_core::codec::g711::Law;
use rtp_core::jitter::{self, Frame, Playout};
use rtp_core::payload::telephone_event::{self, Heard, TelephoneEvent};
use rtp_core::session::{Cname, Config, Event, Outgoing, Path, Session};
use rtp_core::srtp::{MasterKey, Receiver, Sender};

use crate::board::uart::Console;
use crate::fetch::now;

/// Samples, and octets of G.711, in twenty milliseconds.
const FRAME: usize = 160;
/// A digit lasts 100 ms, and as long a pause follows it.
const DIGIT_UNITS: u32 = 800;
/// RTP of 160 octets with header, and room for RTCP.
const DATAGRAM_MAX: usize = 1024;
/// A quarter of a second: more would be too late to talk.
const JITTER_PACKETS: usize = 12;

/// What the phone tells the media task.
pub enum Order {
    /// Sound begins, or goes another way; with new keys where it is protected by them.
    Start(Agreement, Option<MasterKeys>),
    /// These digits are to be sent, one after another.
    Digits(heapless::String<16>),
    /// Print the figures.
    Stats,
    /// Sound is over.
    Stop,
}

/// The keys to send and to receive with.
pub type MasterKeys = (MasterKey, MasterKey);

/// What SDP has agreed on.
#[derive(Clone, Copy)]
pub struct Agreement {
    /// Where RTP goes.
    pub rtp: SocketAddr,
    /// Where RTCP goes.
    pub rtcp: SocketAddr,
    /// The payload type of sound, and its law.
    pub payload_type: u8,
    /// The law of that payload type.
    pub law: Law,
    /// The payload types of digits: to send, and as they come.
    pub digits: Option<(u8, u8)>,
    /// Whether sound is sent.
    pub sends: bool,
    /// What the microphone hears.
    pub microphone: Microphone,
}

/// Orders on their way to the media task.
pub static ORDERS: Channel<ThreadModeRawMutex, Order, 2> = Channel::new();

/// The port for RTP; RTCP has the next one.
pub const PORT: u16 = 5350;

/// What the media task keeps for as long as the phone runs, at whole words, for the time that copies
/// take.
#[repr(align(4))]
pub struct Memory {
    rtp: ([u8; 1536], [u8; 512]),
    rtcp: ([u8; 512], [u8; 512]),
    datagram: [u8; DATAGRAM_MAX],
}

impl Memory {
    /// Memory with nothing in it.
    pub const fn new() -> Self {
        Self { rtp: ([0; 1536], [0; 512]), rtcp: ([0; 512], [0; 512]), datagram: [0; DATAGRAM_MAX] }
    }
}

/// What the SDK's machines and their storage take for a call's sound.
pub const SDK_RAM: usize = size_of::<Session<'_>>()
    + size_of::<rtp_core::session::Storage<2>>()
    + size_of::<jitter::Buffer<'_>>()
    + size_of::<jitter::Storage<JITTER_PACKETS, FRAME>>()
    + size_of::<Protection<Ciphers>>();

/// Takes calls' sound, one call after another.
#[embassy_executor::task]
pub async fn media(stack: Stack<'static>, memory: &'static mut Memory, mut seed: [u8; 32]) -> ! {
    let mut rtp_in = [PacketMetadata::EMPTY; 8];
    let [mut rtp_out, mut rtcp_in, mut rtcp_out] = [[PacketMetadata::EMPTY; 2]; 3];
    let mut rtp =
        UdpSocket::new(stack, &mut rtp_in, &mut memory.rtp.0, &mut rtp_out, &mut memory.rtp.1);
    let mut rtcp =
        UdpSocket::new(stack, &mut rtcp_in, &mut memory.rtcp.0, &mut rtcp_out, &mut memory.rtcp.1);
    let mut members = rtp_core::session::Storage::<2>::new();
    let mut packets = jitter::Storage::<JITTER_PACKETS, FRAME>::new();
    rtp.bind(PORT).expect("the port is nobody else's");
    rtcp.bind(PORT + 1).expect("the port is nobody else's");
    loop {
        let Order::Start(agreement, keys) = ORDERS.receive().await else { continue };
        // Each call has its own SSRC, sequence numbers and timestamps.
        seed[0] = seed[0].wrapping_add(1);
        let mut config = Config::new(Cname::new("phone@handset").expect("the name is short"));
        config.rtp = Some(Path::rtp(agreement.rtp));
        config.rtcp = Some(Path::rtcp(agreement.rtcp));
        let session = Session::new(config, &mut members, seed).expect("it is complete");
        let jitter = jitter::Buffer::new(jitter::Config::new(8000), &mut packets)
            .expect("there is room for a packet");
        let mut sound = Sound {
            agreement,
            jitter,
            tone: Tone::new(),
            timestamp: 0,
            talks: false,
            digits: telephone_event::Sender::new(),
            waiting: Deque::new(),
            pause_until: 0,
            heard: telephone_event::Receiver::new(),
            codes: [0; FRAME],
        };
        let has_keys = keys.is_some();
        let protection = keys.and_then(protection);
        if has_keys && protection.is_none() {
            // Better no sound than sound in clear.
            continue;
        }
        let mut runner =
            Runner::new(session, &rtp, Some(&rtcp)).only_from_remote().protected(protection);
        sound.run(&mut runner, &mut memory.datagram).await;
        let _ = runner.leave(&mut memory.datagram).await;
    }
}

#[inline(never)]
fn protection((ours, theirs): MasterKeys) -> Option<Protection<Ciphers>> {
    // The suites that are offered are those that the ciphers know.
    let sender = Sender::with_crypto(Ciphers, &ours).ok()?;
    Some(Protection { sender, receiver: Receiver::with_crypto(Ciphers, &theirs).ok()? })
}

/// One call's sound.
struct Sound<'m> {
    agreement: Agreement,
    jitter: jitter::Buffer<'m>,
    tone: Tone,
    /// Units of the media clock since the call began.
    timestamp: u32,
    /// Whether the last tick sent sound: the first packet after a pause is marked.
    talks: bool,
    digits: telephone_event::Sender,
    waiting: Deque<u8, 16>,
    pause_until: u32,
    heard: telephone_event::Receiver,
    /// What the ear-piece played last, as the wire has it.
    codes: [u8; FRAME],
}

impl Sound<'_> {
    async fn run(&mut self, runner: &mut Runner<'_, '_, Protection<Ciphers>>, datagram: &mut [u8]) {
        let mut ticker = Ticker::every(Duration::from_millis(20));
        loop {
            match select3(runner.next(datagram), ticker.next(), ORDERS.receive()).await {
                Either3::First(Ok(Event::Packet { sequence, packet })) => {
                    self.receive(sequence, &packet);
                }
                // Garbage on the port is counted by the session, and nothing else.
                Either3::First(_) => {}
                Either3::Second(()) => self.tick(runner, datagram).await,
                Either3::Third(Order::Start(agreement, keys)) => {
                    self.agreement = agreement;
                    if let Some((_, theirs)) = keys
                        && let Some(protection) = runner.protection()
                        && let Ok(receiver) = Receiver::with_crypto(Ciphers, &theirs)
                    {
                        protection.receiver = receiver;
                    }
                    let (rtp, rtcp) = (Path::rtp(agreement.rtp), Path::rtcp(agreement.rtcp));
                    runner.session().set_remote(now(), Some(rtp), Some(rtcp));
                }
                Either3::Third(Order::Digits(digits)) => {
                    for digit in digits.chars().filter_map(telephone_event::event_of) {
                        let _ = self.waiting.push_back(digit);
                    }
                }
                Either3::Third(Order::Stats) => self.print(runner.session()),
                Either3::Third(Order::Stop) => {
                    self.print(runner.session());
                    return;
                }
            }
        }
    }

    fn receive(&mut self, sequence: u32, packet: &rtp_core::packet::Packet<'_>) {
        if self.agreement.digits.is_some_and(|(_, theirs)| theirs == packet.payload_type) {
            let Ok(event) = TelephoneEvent::parse(packet.payload) else { return };
            if let Some(Heard::Started { event } | Heard::Ended { event, started: false, .. }) =
                self.heard.receive(packet.timestamp, event)
            {
                let key = telephone_event::key_of(event).unwrap_or('?');
                let _ = writeln!(Console, "media: digit {key}");
            }
            return;
        }
        let _ = self.jitter.push(
            now(),
            Frame {
                sequence,
                timestamp: packet.timestamp,
                payload_type: packet.payload_type,
                marker: packet.marker,
                payload: packet.payload,
            },
        );
    }

    /// Twenty milliseconds have gone by: plays a frame, and sends one.
    async fn tick(
        &mut self,
        runner: &mut Runner<'_, '_, Protection<Ciphers>>,
        datagram: &mut [u8],
    ) {
        let mut samples = [0; FRAME];
        if let Playout::Packet(frame) = self.jitter.pop(now()) {
            self.agreement.law.decode(frame.payload, &mut samples);
        }
        if self.agreement.microphone == Microphone::Tone {
            self.tone.fill(&mut samples);
        }
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        if !self.agreement.sends {
            self.talks = false;
            return;
        }
        self.start_digit();
        if let Some((ours, _)) = self.agreement.digits
            && let Some(packet) = self.digits.next_packet(self.timestamp)
        {
            let outgoing = Outgoing {
                marker: packet.marker,
                timestamp: packet.timestamp,
                ..Outgoing::new(ours)
            };
            if !self.digits.is_sending() {
                self.pause_until = self.timestamp.wrapping_add(DIGIT_UNITS);
            }
            self.talks = false;
            let _ = runner.send(&outgoing, &packet.event.to_octets(), datagram).await;
            return;
        }
        self.agreement.law.encode(&samples, &mut self.codes);
        let outgoing = Outgoing {
            marker: !self.talks,
            timestamp: self.timestamp,
            ..Outgoing::new(self.agreement.payload_type)
        };
        self.talks = true;
        let _ = runner.send(&outgoing, &self.codes, datagram).await;
    }

    fn start_digit(&mut self) {
        // The sign tells whether the pause is over.
        let paused = (self.timestamp.wrapping_sub(self.pause_until) as i32) < 0;
        if self.digits.is_sending() || paused {
            return;
        }
        if let Some(event) = self.waiting.pop_front() {
            self.digits.start(event, 10, self.timestamp, Some(DIGIT_UNITS));
        }
    }

    fn print(&self, session: &Session<'_>) {
        let totals = session.statistics();
        let played = self.jitter.statistics();
        let _ = writeln!(
            Console,
            "media: sent {} received {} played {} lost {} late {} left out {} concealed {} delay {} ms",
            totals.packets_sent,
            totals.packets_received,
            played.played,
            played.lost,
            played.late,
            played.discarded,
            played.concealed,
            millis(played.mean_delay),
        );
    }
}

/// Formatting 128 bits would take 1.5 KiB of flash.
fn millis(time: core::time::Duration) -> u32 {
    time.as_secs() as u32 * 1000 + time.subsec_millis()
}
