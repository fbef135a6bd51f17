//! Telephone events: the digits of a keypad and their like (RFC 4733).
//!
//! ```text
//! |     event     |E|R| volume    |          duration             |
//!
//! marker  timestamp  sent
//!   1        t       event begins          duration so far
//!   0        t       every packet time     duration so far
//!   0        t       event ends            E, whole duration: three times
//! ```
//!
//! All packets of one event have the timestamp of its beginning; by it a receiver tells one event
//! sent many times from several. Events longer than 65535 units have several segments, each with a
//! timestamp of its own (RFC 4733 section 2.5.1.3).
//!
//! [`Sender`] and [`Receiver`] are also a [`Packetizer`](super::Packetizer) and a
//! [`Depacketizer`](super::Depacketizer) like those of other formats: a host sends what comes at each
//! packet time, with the time as timestamp and no octets, and gets each event when it is over, as a
//! payload with its whole duration.

use crate::{BufferTooSmall, Fault, ParseError};

/// What one packet says of an event (RFC 4733 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TelephoneEvent {
    /// Which event: 0 to 9 are the digits, 10 `*`, 11 `#`, 12 to 15 `A` to `D`, 16 a flash.
    pub event: u8,
    /// Whether the event is over.
    pub end: bool,
    /// How loud a tone is, in dBm0 below zero, 0 to 63.
    pub volume: u8,
    /// How long the event has lasted, in units of the timestamp.
    pub duration: u16,
}

impl TelephoneEvent {
    /// How many octets the payload takes.
    pub const LEN: usize = 4;

    /// Reads the first event of a payload.
    ///
    /// # Errors
    /// The payload is shorter than an event.
    pub fn parse(payload: &[u8]) -> Result<Self, ParseError> {
        let Some((octets, _)) = payload.split_first_chunk::<4>() else {
            return Err(ParseError::new(Fault::Truncated, payload.len()));
        };
        Ok(Self {
            event: octets[0],
            end: octets[1] & 0x80 != 0,
            volume: octets[1] & 0x3f,
            duration: u16::from_be_bytes([octets[2], octets[3]]),
        })
    }

    /// How many octets the payload takes.
    pub const fn encoded_len(&self) -> usize {
        Self::LEN
    }

    /// Writes the payload, and says how long it is.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let Some(cells) = buffer.first_chunk_mut::<4>() else {
            return Err(BufferTooSmall { needed: Self::LEN });
        };
        *cells = self.to_octets();
        Ok(Self::LEN)
    }

    /// The payload.
    pub const fn to_octets(self) -> [u8; 4] {
        let [a, b] = self.duration.to_be_bytes();
        [self.event, ((self.end as u8) << 7) | (self.volume & 0x3f), a, b]
    }
}

/// The event of a keypad's character.
pub const fn event_of(key: char) -> Option<u8> {
    match key {
        // Digits of ASCII are one octet.
        '0'..='9' => Some(key as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(key as u8 - b'A' + 12),
        'a'..='d' => Some(key as u8 - b'a' + 12),
        _ => None,
    }
}

/// The keypad's character of an event.
pub const fn key_of(event: u8) -> Option<char> {
    match event {
        0..=9 => Some((b'0' + event) as char),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some((b'A' + event - 12) as char),
        _ => None,
    }
}

/// A packet that a [`Sender`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EventPacket {
    /// The payload.
    pub event: TelephoneEvent,
    /// The packet's timestamp: when the event, or this segment of it, began.
    pub timestamp: u32,
    /// The packet's marker: set on the first one of the event.
    pub marker: bool,
}

/// Sends one event after another (RFC 4733 section 2.5.1): at every packet time the host asks for
/// the packet of then, and sends it in place of sound.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sender {
    current: Option<Sending>,
    /// The time that a packet was written for last.
    polled: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Sending {
    event: u8,
    volume: u8,
    /// When the segment began; a long event has several.
    began: u32,
    first: bool,
    /// When the event ends, once that is known.
    ends: Option<u32>,
    /// How often the end was sent, and the duration that it gave.
    ended: Option<(u8, u16)>,
}

impl Sender {
    /// How often the end of an event is sent.
    const ENDS: u8 = 3;

    /// A sender with nothing to send.
    pub const fn new() -> Self {
        Self { current: None, polled: None }
    }

    /// Begins an event at `timestamp`, for `duration` units, or until [`Sender::stop`] where
    /// nothing is given. An event that is still being sent is given up.
    pub fn start(&mut self, event: u8, volume: u8, timestamp: u32, duration: Option<u32>) {
        self.current = Some(Sending {
            event,
            volume,
            began: timestamp,
            first: true,
            ends: duration.map(|duration| timestamp.wrapping_add(duration)),
            ended: None,
        });
    }

    /// Ends the event at `timestamp`.
    pub fn stop(&mut self, timestamp: u32) {
        if let Some(sending) = &mut self.current
            && sending.ended.is_none()
        {
            sending.ends = Some(timestamp);
        }
    }

    /// The packet to send at `timestamp`, the end of the packet time that it covers; nothing
    /// where no event is being sent.
    pub fn next_packet(&mut self, timestamp: u32) -> Option<EventPacket> {
        let sending = self.current.as_mut()?;
        let marker = core::mem::take(&mut sending.first);
        let packet = |sending: &Sending, end: bool, duration: u16| EventPacket {
            event: TelephoneEvent { event: sending.event, end, volume: sending.volume, duration },
            timestamp: sending.began,
            marker,
        };
        if let Some((count, duration)) = &mut sending.ended {
            let duration = *duration;
            *count += 1;
            let last = *count >= Self::ENDS;
            let packet = packet(sending, true, duration);
            if last {
                self.current = None;
            }
            return Some(packet);
        }
        // The sign tells whether the end has come.
        let over = sending.ends.is_some_and(|ends| timestamp.wrapping_sub(ends) as i32 >= 0);
        let until = if over { sending.ends.unwrap_or(timestamp) } else { timestamp };
        // Old peers take a duration of 0 for a fault.
        let lasted = until.wrapping_sub(sending.began).max(1);
        let Ok(duration) = u16::try_from(lasted) else {
            // RFC 4733 section 2.5.1.3: a segment of the greatest duration, and another behind it.
            let packet = packet(sending, false, u16::MAX);
            sending.began = sending.began.wrapping_add(u32::from(u16::MAX));
            return Some(packet);
        };
        if over {
            sending.ended = Some((1, duration));
        }
        Some(packet(sending, over, duration))
    }

    /// Whether an event is being sent.
    pub const fn is_sending(&self) -> bool {
        self.current.is_some()
    }
}

impl super::Packetizer for Sender {
    /// Writes the packet of `frame.timestamp`, the end of the packet time; its octets are not
    /// looked at. Nothing where no event is sent, and once the packet of this time is written.
    fn poll_payload(
        &mut self,
        frame: &super::Encoded<'_>,
        buffer: &mut [u8],
    ) -> Result<Option<super::Payload>, super::Error> {
        if buffer.len() < TelephoneEvent::LEN {
            return Err(BufferTooSmall { needed: TelephoneEvent::LEN }.into());
        }
        if self.polled == Some(frame.timestamp) {
            return Ok(None);
        }
        let Some(packet) = self.next_packet(frame.timestamp) else { return Ok(None) };
        self.polled = Some(frame.timestamp);
        let len = packet.event.write(buffer)?;
        Ok(Some(super::Payload { len, marker: packet.marker, timestamp: packet.timestamp }))
    }
}

/// What a [`Receiver`] makes of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Heard {
    /// An event has begun.
    Started {
        /// Which.
        event: u8,
    },
    /// An event is over.
    Ended {
        /// Which.
        event: u8,
        /// How long it was, in units of the timestamp.
        duration: u32,
        /// Whether its beginning was told of before; where not, all earlier packets were lost.
        started: bool,
    },
}

/// Makes of the many packets of an event its beginning and its end, each once (RFC 4733 section
/// 2.5.2).
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Receiver {
    current: Option<Hearing>,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Hearing {
    event: u8,
    /// When the event began, and when the segment did that was heard last.
    began: u32,
    segment: u32,
    duration: u32,
    over: bool,
}

impl Receiver {
    /// A receiver that has heard nothing.
    pub const fn new() -> Self {
        Self { current: None }
    }

    /// Takes a packet in order of arrival. Packets of an event that is over already change
    /// nothing; an event whose end was lost is over when another begins.
    ///
    /// Senders of RFC 2833's time are taken as they mean it: where the timestamp goes on within an
    /// event, or with each repetition of its end, the packets would tell of two events at one time,
    /// and so are of one.
    pub fn receive(&mut self, timestamp: u32, event: TelephoneEvent) -> Option<Heard> {
        if let Some(current) = &mut self.current {
            // The sign tells earlier from later.
            let step = timestamp.wrapping_sub(current.segment) as i32;
            if step < 0 {
                return None;
            }
            let same = event.event == current.event;
            // RFC 4733 section 2.5.1.3: a segment of the greatest duration goes before.
            let goes_on = same && !current.over && step == i32::from(u16::MAX);
            if goes_on {
                current.segment = timestamp;
            }
            if step == 0 || goes_on {
                if current.over {
                    return None;
                }
                let before = current.segment.wrapping_sub(current.began);
                let lasted = before.saturating_add(u32::from(event.duration));
                current.duration = current.duration.max(lasted);
                current.over = event.end;
                let (event, duration) = (current.event, current.duration);
                return event_over(current.over, event, duration);
            }
            let since = timestamp.wrapping_sub(current.began);
            let duration = u32::from(event.duration);
            let habit = if current.over {
                since < current.duration
            } else {
                duration > current.duration && since <= current.duration
            };
            if same && habit {
                current.segment = timestamp;
                current.duration = current.duration.max(duration);
                let ends = !current.over && event.end;
                current.over |= ends;
                return event_over(ends, current.event, current.duration);
            }
        }
        self.current = Some(Hearing {
            event: event.event,
            began: timestamp,
            segment: timestamp,
            duration: u32::from(event.duration),
            over: event.end,
        });
        Some(if event.end {
            let duration = u32::from(event.duration);
            Heard::Ended { event: event.event, duration, started: false }
        } else {
            Heard::Started { event: event.event }
        })
    }

    /// The host has heard nothing of the event for some time, three packet times say: it is over.
    pub fn give_up(&mut self) -> Option<Heard> {
        let current = self.current.as_mut().filter(|current| !current.over)?;
        current.over = true;
        Some(Heard::Ended { event: current.event, duration: current.duration, started: true })
    }
}

impl super::Depacketizer for Receiver {
    /// Gives an event when it is over, as a payload of [`TelephoneEvent::LEN`] octets with the
    /// timestamp of its beginning and its duration, 65535 where it was longer.
    fn push(
        &mut self,
        packet: &super::Received<'_>,
        frame: &mut [u8],
    ) -> Result<Option<super::Reassembled>, super::Error> {
        let event = TelephoneEvent::parse(packet.payload)?;
        let too_small = BufferTooSmall { needed: TelephoneEvent::LEN };
        let place = frame.get_mut(..TelephoneEvent::LEN).ok_or(too_small)?;
        let Some(Heard::Ended { duration, .. }) = self.receive(packet.timestamp, event) else {
            return Ok(None);
        };
        let duration = u16::try_from(duration).unwrap_or(u16::MAX);
        let len = TelephoneEvent { end: true, duration, ..event }.write(place)?;
        Ok(Some(super::Reassembled {
            len,
            payload_type: packet.payload_type,
            timestamp: self.current.map_or(packet.timestamp, |current| current.began),
            lost: 0,
            whole: true,
            consumed: true,
        }))
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

fn event_over(over: bool, event: u8, duration: u32) -> Option<Heard> {
    over.then_some(Heard::Ended { event, duration, started: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_payload_of_the_messenger_documents_is_read_and_written() {
        // Event 1, end, volume 20, 220 ms.
        let event = TelephoneEvent { event: 1, end: true, volume: 20, duration: 1760 };
        assert_eq!(event.to_octets(), [0x01, 0x94, 0x06, 0xe0]);
        assert_eq!(TelephoneEvent::parse(&[0x01, 0x94, 0x06, 0xe0]), Ok(event));
        assert!(TelephoneEvent::parse(&[1, 2, 3]).is_err());
        assert_eq!(event.write(&mut [0; 3]), Err(BufferTooSmall { needed: 4 }));
    }

    #[test]
    fn keys_and_events_name_each_other() {
        for event in 0..16 {
            assert_eq!(key_of(event).and_then(event_of), Some(event));
        }
        assert_eq!((event_of('x'), key_of(16)), (None, None));
    }

    fn packets(duration: u32, step: u32) -> Vec<EventPacket> {
        let mut sender = Sender::new();
        sender.start(5, 10, 1000, Some(duration));
        let times = (1..).map(|n| 1000u32.wrapping_add(step * n));
        times.map_while(|time| sender.next_packet(time)).collect()
    }

    #[test]
    fn an_event_is_sent_with_its_first_timestamp_and_three_ends() {
        let sent = packets(400, 160);
        let seen: Vec<_> = sent
            .iter()
            .map(|packet| {
                (packet.timestamp, packet.marker, packet.event.end, packet.event.duration)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (1000, true, false, 160),
                (1000, false, false, 320),
                (1000, false, true, 400),
                (1000, false, true, 400),
                (1000, false, true, 400)
            ]
        );
    }

    #[test]
    fn nine_one_one_is_dialled_as_section_5_of_the_rfc_has_it() {
        // Packets of 50 ms; digits of 200, 250 and 220 ms, at 0, 880 and 1400 ms.
        let digits = [(9, 0, 1600u16), (1, 7040, 2000), (1, 11_200, 1760)];
        let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
        let (mut heard, mut heard_of_us) = (Vec::new(), Vec::new());
        let mut ours = Receiver::new();
        for (event, timestamp, length) in digits {
            let running = (1..).map(|n| n * 400).take_while(|duration| *duration <= length);
            let packets = running.map(|duration| (duration, false)).chain([(length, true); 3]);
            for (duration, end) in packets {
                let event = TelephoneEvent { event, end, volume: 10, duration };
                heard.extend(receiver.receive(timestamp, event));
            }
            sender.start(event, 10, timestamp, Some(length.into()));
            let mut now = timestamp;
            while sender.is_sending() {
                now += 400;
                let packet = sender.next_packet(now).expect("an event is being sent");
                assert_eq!((packet.timestamp, packet.marker), (timestamp, now == timestamp + 400));
                assert_eq!(u32::from(packet.event.duration), (now - timestamp).min(length.into()));
                heard_of_us.extend(ours.receive(packet.timestamp, packet.event));
            }
        }
        let each = digits.map(|(event, _, length)| {
            let duration = length.into();
            [Heard::Started { event }, Heard::Ended { event, duration, started: true }]
        });
        assert_eq!(heard, each.concat());
        assert_eq!(heard_of_us, heard);
    }

    #[test]
    fn a_long_event_is_sent_in_segments_and_heard_as_one() {
        let sent = packets(150_000, 160);
        assert_eq!(sent.iter().filter(|packet| packet.marker).count(), 1);
        let mut receiver = Receiver::new();
        let heard: Vec<_> =
            sent.iter().filter_map(|p| receiver.receive(p.timestamp, p.event)).collect();
        assert_eq!(
            heard,
            [
                Heard::Started { event: 5 },
                Heard::Ended { event: 5, duration: 150_000, started: true }
            ]
        );
    }

    #[test]
    fn an_event_is_heard_once_whatever_is_lost_or_doubled() {
        let sent = packets(400, 160);
        for mask in 1u32..32 {
            let arrived: Vec<_> = sent
                .iter()
                .enumerate()
                .filter(|(at, _)| mask & (1 << at) != 0)
                .flat_map(|(_, packet)| [packet, packet])
                .collect();
            let mut receiver = Receiver::new();
            let mut heard: Vec<_> =
                arrived.iter().filter_map(|p| receiver.receive(p.timestamp, p.event)).collect();
            heard.extend(receiver.give_up());
            let ends = heard.iter().filter(|h| matches!(h, Heard::Ended { event: 5, .. }));
            assert_eq!(ends.count(), 1, "{mask:b}");
            assert!(heard.len() <= 2);
        }
    }

    #[test]
    fn the_same_key_twice_is_two_events() {
        let mut receiver = Receiver::new();
        let mut heard = 0;
        for start in [0u32, 2000] {
            let mut sender = Sender::new();
            sender.start(7, 10, start, Some(320));
            let mut time = start;
            while sender.is_sending() {
                time += 160;
                let packet = sender.next_packet(time).unwrap();
                heard += usize::from(receiver.receive(packet.timestamp, packet.event).is_some());
            }
        }
        assert_eq!(heard, 4);
    }

    #[test]
    fn a_late_packet_of_an_earlier_event_is_not_heard() {
        let mut receiver = Receiver::new();
        let event = TelephoneEvent { event: 1, end: false, volume: 0, duration: 160 };
        assert!(receiver.receive(5000, event).is_some());
        assert_eq!(receiver.receive(1000, TelephoneEvent { end: true, ..event }), None);
    }

    #[test]
    fn stop_ends_an_event_of_unknown_length() {
        let mut sender = Sender::new();
        sender.start(0, 10, 0, None);
        assert!(!sender.next_packet(160).unwrap().event.end);
        sender.stop(200);
        let last = sender.next_packet(320).unwrap().event;
        assert_eq!((last.end, last.duration), (true, 200));
    }

    fn heard(packets: &[(u32, bool, u16)]) -> Vec<Heard> {
        let mut receiver = Receiver::new();
        let event = |end, duration| TelephoneEvent { event: 1, end, volume: 10, duration };
        let heard = packets.iter();
        heard
            .filter_map(|(at, end, duration)| receiver.receive(*at, event(*end, *duration)))
            .collect()
    }

    #[test]
    fn a_timestamp_that_goes_on_within_an_event_makes_no_more_events() {
        // As some gateways of RFC 2833's time send.
        let packets = [
            (1000, false, 160),
            (1160, false, 320),
            (1320, false, 480),
            (1480, true, 640),
            (1480, true, 640),
        ];
        let once =
            [Heard::Started { event: 1 }, Heard::Ended { event: 1, duration: 640, started: true }];
        assert_eq!(heard(&packets), once);
    }

    #[test]
    fn ends_with_timestamps_of_their_own_are_one_end() {
        let packets = [
            (1000, false, 160),
            (1000, false, 320),
            (1000, true, 480),
            (1160, true, 480),
            (1320, true, 480),
        ];
        assert_eq!(heard(&packets).len(), 2);
        // The key pressed again, all but its end being lost.
        let again = [(1000, false, 160), (1000, true, 480), (1800, true, 480)];
        assert_eq!(heard(&again).len(), 3);
        // Two events without a pause.
        let joined = [(0, false, 160), (0, true, 320), (320, false, 160), (320, true, 320)];
        assert_eq!(heard(&joined).len(), 4);
    }

    #[test]
    fn a_long_event_is_one_though_the_end_of_a_segment_is_lost() {
        let mut sent = packets(150_000, 160);
        sent.retain(|packet| packet.event.duration != u16::MAX);
        let mut receiver = Receiver::new();
        let heard: Vec<_> =
            sent.iter().filter_map(|p| receiver.receive(p.timestamp, p.event)).collect();
        assert_eq!(heard.len(), 2);
        assert_eq!(heard[1], Heard::Ended { event: 5, duration: 150_000, started: true });
    }

    #[test]
    fn sender_and_receiver_are_driven_like_any_other_format() {
        use crate::payload::{Depacketizer as _, Encoded, Packetizer as _, Received};
        let (mut sender, mut receiver) = (Sender::new(), Receiver::new());
        sender.start(9, 10, 800, Some(400));
        let (mut buffer, mut frame) = ([0; 4], [0; 4]);
        let mut over = Vec::new();
        for sequence in 0..10u16 {
            let time = Encoded { timestamp: 960 + u32::from(sequence) * 160, octets: &[] };
            while let Some(sent) = sender.poll_payload(&time, &mut buffer).expect("it fits") {
                let packet = Received {
                    sequence,
                    timestamp: sent.timestamp,
                    marker: sent.marker,
                    payload: &buffer[..sent.len],
                    ..Received::default()
                };
                assert_eq!((sent.timestamp, sent.marker), (800, sequence == 0));
                over.extend(receiver.push(&packet, &mut frame).expect("it is good"));
            }
        }
        assert_eq!(
            over.iter().map(|event| (event.len, event.timestamp)).collect::<Vec<_>>(),
            [(4, 800)]
        );
        assert_eq!(TelephoneEvent::parse(&frame).map(|event| event.duration), Ok(400));
    }
}
