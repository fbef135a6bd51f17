//! Bad networks in virtual time, and a jitter buffer behind each.

use core::time::Duration;

use handset_testkit::{Link, LinkConfig, Random};
use rtp_core::jitter::{Buffer, Config, Delay, Frame, Playout, Statistics, Storage};

/// How many packets a buffer has room for.
pub(crate) const PACKETS: usize = 64;
/// The packet time of the sender, in nanoseconds by its own clock.
const PACKET_NS: u64 = 20_000_000;
/// The clock of the timestamps, in hertz.
const CLOCK: u32 = 8000;
/// The shortest way of the network.
const WAY: Duration = Duration::from_millis(30);
/// For how long the network stays as it is where it changes.
const PHASE: Duration = Duration::from_secs(120);

/// What a network does to a stream, and what the stream is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Packets lost, in a thousand.
    pub(crate) loss_per_mille: u32,
    /// How many packets a loss takes on average.
    pub(crate) burst: u32,
    /// What the longest way takes more than the shortest.
    pub(crate) jitter: Duration,
    /// Packets that come twice, in a thousand.
    pub(crate) duplicate_per_mille: u32,
    /// By how many parts in a million the sender's clock is faster than the player's.
    pub(crate) drift: i64,
    /// Whether loss and jitter change every two minutes, from nothing to these figures.
    pub(crate) changing: bool,
    /// Whether the talker pauses, and sends nothing then.
    pub(crate) pauses: bool,
}

impl Scenario {
    const CALM: Self = Self {
        name: "calm",
        loss_per_mille: 0,
        burst: 1,
        jitter: Duration::from_millis(5),
        duplicate_per_mille: 0,
        drift: 0,
        changing: false,
        pauses: false,
    };

    /// The one that is drawn: all that a network does, for as long as a day at work.
    pub(crate) const WORST: Self = Self {
        name: "0 to 30 % in bursts, to 200 ms, changing",
        loss_per_mille: 300,
        burst: 5,
        jitter: Duration::from_millis(200),
        duplicate_per_mille: 50,
        drift: 300,
        changing: true,
        pauses: false,
    };

    /// All that are measured.
    pub(crate) const ALL: [Self; 8] = [
        Self::CALM,
        Self { name: "calm, sender slower by 300 ppm", drift: -300, ..Self::CALM },
        Self { name: "calm, sender faster by 300 ppm", drift: 300, ..Self::CALM },
        Self {
            name: "5 % at random, 40 ms",
            loss_per_mille: 50,
            jitter: Duration::from_millis(40),
            ..Self::CALM
        },
        Self {
            name: "30 % at random, 200 ms",
            loss_per_mille: 300,
            jitter: Duration::from_millis(200),
            duplicate_per_mille: 50,
            drift: 300,
            ..Self::CALM
        },
        Self { name: "0 to 30 % at random, to 200 ms, changing", burst: 1, ..Self::WORST },
        Self::WORST,
        Self { name: "the same, the talker pauses", pauses: true, ..Self::WORST },
    ];
}

/// What happened in a minute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Minute {
    pub(crate) sent: u32,
    pub(crate) arrived: u32,
    pub(crate) played: u32,
    pub(crate) late: u32,
    /// From sending to playing without the shortest way, on average, in milliseconds.
    pub(crate) delay_ms: f64,
    /// The greatest jitter of the network.
    pub(crate) jitter_ms: f64,
}

/// What happened in all.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) statistics: Statistics,
    pub(crate) sent: u64,
    /// Different packets that the network has brought.
    pub(crate) arrived: u64,
    /// From sending to playing without the shortest way, on average.
    pub(crate) delay: Duration,
    pub(crate) deepest: usize,
    pub(crate) minutes: Vec<Minute>,
}

impl Outcome {
    /// The share of packets that came and were not played.
    pub(crate) fn late(&self) -> f64 {
        (self.arrived - self.statistics.played) as f64 / self.arrived as f64
    }

    /// The share of packets that the network has lost.
    pub(crate) fn lost(&self) -> f64 {
        1.0 - self.arrived as f64 / self.sent as f64
    }
}

/// Runs a scenario for so long, behind a buffer of this delay.
pub(crate) fn run(scenario: &Scenario, delay: Delay, length: Duration, seed: u64) -> Outcome {
    let mut storage = Box::new(Storage::<PACKETS, 8>::new());
    let mut config = Config::new(CLOCK);
    config.delay = delay;
    let mut buffer = Buffer::new(config, &mut storage).expect("the configuration works");
    let mut random = Random::new(seed);
    let mut link = Link::new(LinkConfig::GOOD, seed);
    let mut sender = Sender { scenario, phase: 0, losing: false, talking: false };
    let mut sent_at: Vec<Duration> = Vec::new();
    let mut came: Vec<bool> = Vec::new();
    let mut minutes = vec![Minute::default(); length.as_secs().div_ceil(60) as usize];
    let mut total = Duration::ZERO;
    let mut deepest = 0;
    let (mut next_send, mut next_play, mut ticks) =
        (Duration::ZERO, Duration::from_millis(7), 0u64);
    let mut conditions = Conditions { jitter: scenario.jitter, loss: scenario.loss_per_mille };
    while next_send.max(next_play) < length {
        if next_send <= next_play {
            let now = next_send;
            if scenario.changing && now >= PHASE * sender.phase {
                sender.phase += 1;
                conditions.jitter = scenario.jitter * random.below(101) as u32 / 100;
                conditions.loss = scenario.loss_per_mille * random.below(101) as u32 / 100;
            }
            link.set_config(LinkConfig {
                loss_per_mille: 0,
                duplicate_per_mille: scenario.duplicate_per_mille,
                delay: WAY,
                jitter: conditions.jitter,
            });
            if let Some(marker) = sender.talks(&mut random) {
                let sequence = sent_at.len() as u32;
                let minute = &mut minutes[(now.as_secs() / 60) as usize];
                minute.sent += 1;
                minute.jitter_ms = conditions.jitter.as_secs_f64() * 1000.0;
                link.set_cut(sender.loses(conditions.loss, &mut random));
                let timestamp = (ticks as u32).wrapping_mul(160);
                let mut octets = [0; 9];
                octets[..4].copy_from_slice(&sequence.to_be_bytes());
                octets[4..8].copy_from_slice(&timestamp.to_be_bytes());
                octets[8] = u8::from(marker);
                link.send(now, 0u8, 1u8, &octets);
                sent_at.push(now);
                came.push(false);
            }
            ticks += 1;
            let nanos = ticks * PACKET_NS;
            // Ticks of a clock that is faster come sooner.
            let early = i128::from(nanos) * i128::from(scenario.drift) / 1_000_000;
            next_send = Duration::from_nanos((i128::from(nanos) - early) as u64);
            continue;
        }
        let now = next_play;
        while let Some(at) = link.next_arrival().filter(|at| *at <= now) {
            let Some((_, _, octets)) = link.receive(at) else { break };
            let word = |at: usize| {
                octets[at..at + 4].iter().fold(0, |word, octet| (word << 8) | u32::from(*octet))
            };
            let (sequence, timestamp) = (word(0), word(4));
            let minute = &mut minutes[(sent_at[sequence as usize].as_secs() / 60) as usize];
            if !core::mem::replace(&mut came[sequence as usize], true) {
                minute.arrived += 1;
            }
            let frame = Frame {
                sequence,
                timestamp,
                payload_type: 0,
                marker: octets[8] != 0,
                payload: &octets[..8],
            };
            // What is refused is counted by the buffer.
            let _ = buffer.push(at, frame);
        }
        deepest = deepest.max(buffer.depth());
        if let Playout::Packet(frame) = buffer.pop(now) {
            let sent = sent_at[frame.sequence as usize];
            let took = now.saturating_sub(sent).saturating_sub(WAY);
            total += took;
            let minute = &mut minutes[(sent.as_secs() / 60) as usize];
            minute.played += 1;
            minute.delay_ms += took.as_secs_f64() * 1000.0;
        }
        next_play += Duration::from_nanos(PACKET_NS);
    }
    for minute in &mut minutes {
        minute.delay_ms /= f64::from(minute.played.max(1));
        minute.late = minute.arrived.saturating_sub(minute.played);
    }
    let statistics = buffer.statistics();
    Outcome {
        statistics,
        sent: sent_at.len() as u64,
        arrived: came.iter().filter(|came| **came).count() as u64,
        delay: total.checked_div(statistics.played as u32).unwrap_or_default(),
        deepest,
        minutes,
    }
}

struct Conditions {
    jitter: Duration,
    loss: u32,
}

/// Who talks and who pauses, and which packets are lost.
struct Sender<'s> {
    scenario: &'s Scenario,
    phase: u32,
    losing: bool,
    talking: bool,
}

impl Sender<'_> {
    /// Whether there is a packet to send, and whether it begins a spurt: spurts and pauses are a
    /// second long on average.
    fn talks(&mut self, random: &mut Random) -> Option<bool> {
        let was = self.talking;
        self.talking = if self.scenario.pauses { was ^ (random.below(50) == 0) } else { true };
        self.talking.then_some(!was)
    }

    /// Gilbert's model: losses that are as long as the scenario says, and as many.
    fn loses(&mut self, loss_per_mille: u32, random: &mut Random) -> bool {
        let burst = f64::from(self.scenario.burst);
        let share = f64::from(loss_per_mille) / 1000.0;
        let chance = if self.losing {
            1.0 - 1.0 / burst
        } else {
            // So many bursts that their packets are the share of all.
            share / (burst * (1.0 - share))
        };
        let alone = self.scenario.burst == 1;
        let chance = if alone { share } else { chance };
        self.losing = (random.below(1_000_000) as f64) < chance * 1e6;
        self.losing
    }
}
