//! RTP streams: found by session descriptions or by what they look like, and measured by
//! `rtp_core`'s session, one for each stream.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::HashMap;
use std::rc::Rc;

use rtp_core::demux::{Protocol, protocol};
use rtp_core::packet::{FIXED_HEADER_LEN, Packet};

use super::calls::Seen;
use super::link::Datagram;
use super::media::MediaLine;
use super::meter::{Meter, Observation};
use super::reports::{Heard, Reports};

/// Streams that are measured; of others only the number.
const STREAMS: usize = 16_384;
/// Sources that may become streams, and have not shown enough yet.
const CANDIDATES: usize = 4096;
/// Packets after which a candidate is a stream or is nothing.
const PROOF: usize = 8;
/// What is enough at the end of the capture.
const LEAST_PROOF: usize = 4;
/// Addresses that session descriptions have named.
const ADDRESSES: usize = 200_000;

/// One source of RTP packets on its way from one address to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) ssrc: u32,
}

/// What a session description has named an address for.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// The call.
    pub(super) call: usize,
    /// Where the description came from.
    pub(super) owner: SocketAddr,
    pub(super) line: Rc<MediaLine>,
}

/// A stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) key: Key,
    pub(super) first: Seen,
    pub(super) codec: String,
    pub(super) clock_rate: u32,
    /// Whether something says what the clock is; if not, it is a guess from the timestamps.
    pub(super) clock_known: bool,
    pub(super) payload_type: u8,
    /// What names the addresses that it goes to and comes from.
    pub(super) sink: Option<Named>,
    pub(super) source: Option<Named>,
    pub(super) meter: Meter,
    /// What its receiver has reported of it.
    pub(super) heard: Option<Heard>,
}

impl Stream {
    /// The call that it belongs to.
    pub(super) fn call(&self) -> Option<usize> {
        self.sink.as_ref().or(self.source.as_ref()).map(|named| named.call)
    }
}

/// All streams of a capture.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) all: Vec<Stream>,
    by_key: HashMap<Key, usize>,
    candidates: HashMap<Key, Vec<Observation>>,
    named: HashMap<SocketAddr, Named>,
    reports: Reports,
    /// Packets of streams that there was no room for.
    pub(super) left_out: u64,
    pub(super) rtcp: u64,
}

impl Streams {
    /// Takes the media of a session description that came from `owner`.
    pub(super) fn describe(&mut self, call: usize, owner: SocketAddr, media: &[MediaLine]) {
        for line in media {
            let Some(address) = line.address.filter(|address| address.port() != 0) else {
                continue;
            };
            if self.named.len() >= ADDRESSES && !self.named.contains_key(&address) {
                continue;
            }
            let known = self.named.get(&address);
            // Proxies pass descriptions on: the first hop tells whose it is.
            let owner = known.filter(|named| named.call == call).map_or(owner, |n| n.owner);
            self.named.insert(address, Named { call, owner, line: Rc::new(line.clone()) });
        }
    }

    /// Takes a datagram, and says whether it is RTP or RTCP, or may be.
    pub(super) fn datagram(&mut self, seen: Seen, datagram: &Datagram<'_>) -> bool {
        match protocol(datagram.payload) {
            Protocol::Rtcp => {
                let taken = self.reports.datagram(seen, datagram);
                self.rtcp += u64::from(taken);
                taken
            }
            Protocol::Rtp => self.rtp(seen, datagram),
            _ => false,
        }
    }

    /// The capture is over: candidates that have shown enough become streams, and all are told
    /// what their receivers reported.
    pub(super) fn finish(&mut self) {
        let mut rest: Vec<_> = self.candidates.drain().collect();
        rest.sort_by_key(|(key, seen)| (seen.first().map(|o| o.seen.packet), *key_order(key)));
        for (key, seen) in rest {
            let named = self.named.contains_key(&key.to) || self.named.contains_key(&key.from);
            if named || (seen.len() >= LEAST_PROOF && follows(&seen)) {
                self.begin(key, &seen);
            }
        }
        self.all.sort_by_key(|stream| stream.first.packet);
        for stream in &mut self.all {
            // The description may have come behind the first packets.
            stream.sink = stream.sink.take().or_else(|| self.named.get(&stream.key.to).cloned());
            let source = stream.source.take();
            stream.source = source.or_else(|| self.named.get(&stream.key.from).cloned());
            let ips: (IpAddr, IpAddr) = (stream.key.from.ip(), stream.key.to.ip());
            stream.heard = self.reports.of(stream.key.ssrc, ips);
        }
    }

    fn rtp(&mut self, seen: Seen, datagram: &Datagram<'_>) -> bool {
        let Some(observation) = observe(seen, datagram) else { return false };
        let key = Key { from: datagram.from, to: datagram.to, ssrc: observation.ssrc };
        if let Some(stream) = self.by_key.get(&key).and_then(|index| self.all.get_mut(*index)) {
            stream.add(&observation);
            return true;
        }
        if self.named.contains_key(&key.to) || self.named.contains_key(&key.from) {
            return self.begin(key, &[observation]);
        }
        // Whoever asks for a name or the time does so from and to a low port.
        if key.to.port() < 1024 || key.from.port() < 1024 {
            return false;
        }
        if self.candidates.len() >= CANDIDATES && !self.candidates.contains_key(&key) {
            self.candidates.clear();
        }
        let candidate = self.candidates.entry(key).or_default();
        candidate.push(observation);
        if candidate.len() >= PROOF
            && let Some(candidate) = self.candidates.remove(&key)
            && follows(&candidate)
        {
            return self.begin(key, &candidate);
        }
        true
    }

    fn begin(&mut self, key: Key, seen: &[Observation]) -> bool {
        let Some(first) = seen.first() else { return false };
        if self.all.len() >= STREAMS {
            self.left_out += seen.len() as u64;
            return true;
        }
        let (sink, source) = (self.named.get(&key.to).cloned(), self.named.get(&key.from).cloned());
        let mut stream = Stream {
            key,
            first: first.seen,
            codec: String::new(),
            clock_rate: 0,
            clock_known: true,
            payload_type: first.payload_type,
            sink,
            source,
            meter: Meter::new(key.ssrc, 8000),
            heard: None,
        };
        match stream.clock_of(first.payload_type) {
            Some((codec, clock_rate)) => (stream.codec, stream.clock_rate) = (codec, clock_rate),
            None => {
                stream.codec = format!("type {}", first.payload_type);
                stream.clock_rate = guess_clock(seen);
                stream.clock_known = false;
            }
        }
        stream.meter = Meter::new(key.ssrc, stream.clock_rate);
        for observation in seen {
            stream.add(observation);
        }
        self.by_key.insert(key, self.all.len());
        self.all.push(stream);
        true
    }
}

impl Stream {
    fn add(&mut self, observation: &Observation) {
        let clock = if observation.payload_type == self.payload_type {
            self.clock_rate
        } else {
            self.clock_of(observation.payload_type).map_or(self.clock_rate, |(_, clock)| clock)
        };
        self.meter.add(observation, clock);
    }

    /// The name and clock of a payload type: as the receiver has described it, or the sender, or
    /// RFC 3551.
    fn clock_of(&self, payload_type: u8) -> Option<(String, u32)> {
        let named = [&self.sink, &self.source].into_iter().flatten();
        let mut described = named.filter_map(|named| named.line.format(payload_type));
        described
            .find(|format| format.clock_rate > 0)
            .map(|format| (format.name.clone(), format.clock_rate))
            .or_else(|| {
                let known = rtp_core::payload::static_type(payload_type)?;
                Some((known.name.to_owned(), known.clock_rate))
            })
    }
}

/// What matters of an RTP packet. Encrypted ones (RFC 3711) have the same header; what their
/// padding bit means is not to be seen.
fn observe(seen: Seen, datagram: &Datagram<'_>) -> Option<Observation> {
    let mut header = *datagram.payload.first_chunk::<FIXED_HEADER_LEN>()?;
    let contributors = usize::from(header[0] & 0xf) * 4;
    header[0] &= 0xc0;
    let packet = Packet::parse(&header).ok()?;
    let missing = datagram.wire_len.saturating_sub(datagram.payload.len());
    let payload_octets = match Packet::parse(datagram.payload) {
        Ok(whole) => whole.payload.len().saturating_add(missing),
        Err(_) => datagram.wire_len.checked_sub(FIXED_HEADER_LEN + contributors)?,
    };
    Some(Observation {
        seen,
        ssrc: packet.ssrc.0,
        sequence_number: packet.sequence_number,
        timestamp: packet.timestamp,
        payload_type: packet.payload_type,
        payload_octets,
    })
}

/// Whether packets follow each other as those of a stream do: nearly each has a number a little
/// above the one before, and no timestamp runs far ahead.
fn follows(seen: &[Observation]) -> bool {
    let good = seen.windows(2).filter(|pair| {
        let [a, b] = pair else { return false };
        let step = b.sequence_number.wrapping_sub(a.sequence_number);
        let units = b.timestamp.wrapping_sub(a.timestamp) as i32;
        (1..=16).contains(&step) && (0..1_000_000).contains(&units)
    });
    good.count() * 4 >= seen.len().saturating_sub(1) * 3
}

/// The clock that timestamps count by, as their pace says.
fn guess_clock(seen: &[Observation]) -> u32 {
    const CLOCKS: [u32; 6] = [8000, 16_000, 32_000, 44_100, 48_000, 90_000];
    let (mut units, mut time) = (0u64, Duration::ZERO);
    for pair in seen.windows(2) {
        let [a, b] = pair else { continue };
        let step = b.timestamp.wrapping_sub(a.timestamp);
        if step < 1_000_000 {
            units += u64::from(step);
            time += b.seen.at.saturating_sub(a.seen.at);
        }
    }
    let millis = time.as_millis().max(1);
    let pace = u128::from(units) * 1000 / millis;
    let apart = |clock: &u32| u128::from(*clock).abs_diff(pace);
    let nearest = CLOCKS.into_iter().min_by_key(apart).unwrap_or(8000);
    if units == 0 { 8000 } else { nearest }
}

fn key_order(key: &Key) -> &u32 {
    &key.ssrc
}
