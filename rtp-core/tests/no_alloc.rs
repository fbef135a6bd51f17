//! Nothing allocates: not a session, not RTCP, not SRTP, not the jitter buffer, not the codec; and
//! what a call takes of memory.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use std::alloc::System;

use rtp_core::codec::g711::Law;
use rtp_core::jitter::{self, Frame, Playout};
use rtp_core::session::{self, Cname, Config, Event, Outgoing, Path, Session};

/// Counts what this thread asks for.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is done by the system's allocator; the count is beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn paths(port: u16) -> [Path; 2] {
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    [Path::rtp(address(port)), Path::rtcp(address(port + 1))]
}

fn config(name: &str, port: u16) -> Config {
    let [rtp, rtcp] = paths(port);
    let mut config = Config::new(Cname::new(name).expect("a short name"));
    (config.rtp, config.rtcp) = (Some(rtp), Some(rtcp));
    config
}

/// A minute of a call: sound one way, RTCP both ways.
fn call() -> (u64, u64) {
    let mut storages = [session::Storage::<4>::new(), session::Storage::<4>::new()];
    let [first, second] = &mut storages;
    let mut alice = Session::new(config("alice", 7000), first, [1; 32]).expect("it works");
    let mut bob = Session::new(config("bob", 8000), second, [2; 32]).expect("it works");
    let mut memory = jitter::Storage::<16, 160>::new();
    let mut buffer = jitter::Buffer::new(jitter::Config::new(8000), &mut memory).expect("it works");
    #[cfg(feature = "srtp")]
    let (mut sender, mut receiver) = {
        use rtp_core::srtp::{MasterKey, Profile, Receiver, Sender};
        let key = MasterKey::from_octets(Profile::AesCm128HmacSha1_80, &[7; 30]).expect("30");
        (Sender::<1>::new(&key), Receiver::<1>::new(&key))
    };
    let (mut played, mut reports) = (0, 0);
    let mut samples = [0i16; 160];
    let mut datagram = [0; 1500];
    for tick in 0..3000u32 {
        let now = Duration::from_millis(u64::from(tick) * 20);
        for (n, sample) in samples.iter_mut().enumerate() {
            *sample = ((tick as usize * 160 + n) % 200) as i16 * 100;
        }
        let mut codes = [0; 160];
        Law::Mu.encode(&samples, &mut codes);
        let outgoing = Outgoing { timestamp: tick * 160, ..Outgoing::new(0) };
        let sent = alice.packetize(now, &outgoing, &codes, &mut datagram).expect("it fits");
        #[cfg(feature = "srtp")]
        {
            let len = sender.protect_rtp(&mut datagram, sent.len).expect("it fits");
            let opened = receiver.unprotect_rtp(&mut datagram[..len]).expect("authentic");
            assert_eq!(opened, sent.len);
        }
        let event = bob.handle_datagram(now, paths(7000)[0], &datagram[..sent.len]);
        if let Ok(Some(Event::Packet { sequence, packet })) = event {
            let frame = Frame {
                sequence,
                timestamp: packet.timestamp,
                payload_type: packet.payload_type,
                marker: packet.marker,
                payload: packet.payload,
            };
            buffer.push(now, frame).expect("there is room");
        }
        if let Playout::Packet(frame) = buffer.pop(now) {
            Law::Mu.decode(frame.payload, &mut samples);
            played += 1;
        }
        for port in [7000, 8000] {
            let (from, to) =
                if port == 7000 { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
            from.handle_timeout(now);
            while let Some(sent) = from.poll_transmit(now, &mut datagram) {
                let event = to.handle_datagram(now, paths(port)[1], &datagram[..sent.len]);
                reports += u64::from(matches!(event, Ok(Some(Event::Rtcp { .. }))));
            }
            while from.poll_event().is_some() {}
        }
    }
    (played, reports)
}

#[test]
fn a_call_asks_the_allocator_for_nothing() {
    let before = ASKED.with(Cell::get);
    let (played, reports) = call();
    let asked = ASKED.with(Cell::get) - before;
    assert_eq!(asked, 0);
    assert!(played > 2900 && reports > 10, "{played} {reports}");
}

#[test]
fn the_allocator_is_counted() {
    let before = ASKED.with(Cell::get);
    drop(core::hint::black_box(Vec::<u8>::with_capacity(100)));
    assert!(ASKED.with(Cell::get) > before);
}

/// Everything of an audio session but the octets of packets: the session with another member, both
/// directions of SRTP, a jitter buffer of 200 ms. Pointers are longer here than on a phone.
#[cfg(feature = "srtp")]
#[test]
fn an_audio_session_takes_less_than_12_kib() {
    use rtp_core::srtp::{Receiver, Sender};
    let octets = size_of::<Session<'_>>()
        + size_of::<session::Storage<1>>()
        + size_of::<Sender<1>>()
        + size_of::<Receiver<1>>()
        + size_of::<jitter::Buffer<'_>>()
        + size_of::<jitter::Storage<16, 160>>()
        - 16 * 160;
    assert!(octets < 12 * 1024, "{octets}");
}
