//! How good a call is, by numbers: the E-model (ITU-T G.107), without floats.
//!
//! ```text
//! R = 93.2 - Id(delay) - Ie-eff(codec, loss) + A        0 to 100
//!
//! Ie-eff = Ie + (95 - Ie) · Ppl / (Ppl / BurstR + Bpl)
//! MOS    = 1 + 0.035 R + R (R - 60) (100 - R) 7 / 1000000
//! ```
//!
//! All that is not named has the default of G.107 table 3: 93.2 is what is left of the scale then. Delay
//! costs by echo (Idte, Idle) and by slowness (Idd); both stand in a table that tests compute anew from
//! the standard's formulas. R of 80 and more satisfies, below 60 nearly nobody is satisfied (G.109).
//!
//! ```
//! use core::time::Duration;
//! use rtp_core::e_model::{Call, Impairment};
//! let mut call = Call::new(Impairment::G711_CONCEALED);
//! call.delay = Duration::from_millis(150);
//! call.loss = Call::loss_of(10, 1000);
//! let quality = call.rate();
//! assert_eq!((quality.r_factor(), quality.mos_x100()), (86, 422));
//! ```

use core::time::Duration;

use crate::rtcp::VoipMetrics;

/// R with nothing but the defaults, in hundredths (G.107 section 7.7).
const BEST: i32 = 9320;

/// What coding costs, and how much loss spoils it (G.107 section 7.6; values of G.113 appendix I).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Impairment {
    /// Ie: the equipment impairment factor without loss, in points of R.
    pub ie: u8,
    /// Bpl: the robustness against loss, in tenths.
    pub bpl_x10: u16,
}

impl Impairment {
    /// G.711 whose losses are silence.
    pub const G711: Self = Self { ie: 0, bpl_x10: 43 };
    /// G.711 with the concealment of its appendix I.
    pub const G711_CONCEALED: Self = Self { ie: 0, bpl_x10: 251 };
    /// G.729A with voice activity detection.
    pub const G729A: Self = Self { ie: 11, bpl_x10: 190 };
    /// G.723.1 at 6.3 kbit/s with voice activity detection.
    pub const G723_1: Self = Self { ie: 15, bpl_x10: 161 };
    /// GSM enhanced full rate.
    pub const GSM_EFR: Self = Self { ie: 5, bpl_x10: 100 };
}

/// What is known of a call in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Call {
    /// The codec.
    pub impairment: Impairment,
    /// T = Ta: one way from mouth to ear: half the round trip, the jitter buffer, coding and sound
    /// cards.
    pub delay: Duration,
    /// Ppl: the share of packets that are not played, being lost or late, in 65536ths.
    pub loss: u16,
    /// BurstR: how much longer runs of loss are than those of random loss, in hundredths; 100 for
    /// random loss, more for bursts.
    pub burst_ratio_x100: u16,
    /// A: what the caller forgives, 0 to 20: 5 within a building with a radio, 10 in a car
    /// (G.107 section 7.8).
    pub advantage: u8,
}

impl Call {
    /// A call without loss and delay.
    pub const fn new(impairment: Impairment) -> Self {
        Self { impairment, delay: Duration::ZERO, loss: 0, burst_ratio_x100: 100, advantage: 0 }
    }

    /// The share of `lost` packets among `expected` ones, for [`Call::loss`].
    pub const fn loss_of(lost: u64, expected: u64) -> u16 {
        if lost >= expected {
            return if expected == 0 { 0 } else { u16::MAX };
        }
        // Both are cut to 47 bits, so that there is room for 16 more and for rounding.
        let down = (u64::BITS - expected.leading_zeros()).saturating_sub(47);
        let (lost, expected) = (lost >> down, expected >> down);
        let share = ((lost << 16) + expected / 2) / expected;
        if share > u16::MAX as u64 { u16::MAX } else { share as u16 }
    }

    /// BurstR of `lost` packets in `runs` stretches, among `expected` ones, for
    /// [`Call::burst_ratio_x100`]: the mean length of a run over what it is with random loss, which
    /// is 1 / (1 - Ppl) (G.107 section 7.6). Losses that avoid each other count as random.
    pub const fn burst_ratio_of(lost: u64, runs: u64, expected: u64) -> u16 {
        if runs == 0 || lost >= expected {
            return 100;
        }
        let heard = 65_536 - Self::loss_of(lost, expected) as u64;
        let mean_x100 = lost.saturating_mul(100) / runs;
        let ratio = mean_x100.saturating_mul(heard) >> 16;
        if ratio < 100 {
            100
        } else if ratio > u16::MAX as u64 {
            u16::MAX
        } else {
            ratio as u16
        }
    }

    /// Rates the call.
    pub fn rate(&self) -> Quality {
        let listening = BEST - self.equipment() + i32::from(self.advantage.min(20)) * 100;
        let conversation = listening - delay_impairment(self.delay);
        Quality { listening: bounded(listening), conversation: bounded(conversation) }
    }

    /// Ie-eff in hundredths.
    fn equipment(&self) -> i32 {
        let ie = u64::from(self.impairment.ie.min(95)) * 100;
        // All in hundredths of a percent: at most 10000 · 100.
        let loss = (u64::from(self.loss) * 10_000 + 0x8000) >> 16;
        let burst = u64::from(self.burst_ratio_x100.max(1));
        let robust = u64::from(self.impairment.bpl_x10) * 10;
        let spoiled = (loss * 100 / burst).saturating_add(robust).max(1);
        let effect = (9500 - ie) * loss / spoiled;
        (ie + effect).min(9500) as i32
    }
}

fn bounded(r: i32) -> u16 {
    r.clamp(0, 10_000) as u16
}

/// How a call is rated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quality {
    /// R in hundredths, without and with what delay costs.
    listening: u16,
    conversation: u16,
}

impl Quality {
    /// R of a conversation, in hundredths, 0 to 10000.
    pub const fn r_x100(&self) -> u16 {
        self.conversation
    }

    /// R of a conversation, 0 to 100, as RFC 3611 section 4.7.5 reports it.
    pub const fn r_factor(&self) -> u8 {
        ((self.conversation + 50) / 100) as u8
    }

    /// The mean opinion of a conversation (MOS-CQE), in hundredths, 100 to 450.
    pub const fn mos_x100(&self) -> u16 {
        mos_x100(self.conversation)
    }

    /// The mean opinion of one who only listens (MOS-LQE): delay does not matter; in hundredths.
    pub const fn listening_mos_x100(&self) -> u16 {
        mos_x100(self.listening)
    }

    /// Puts the ratings into a block of RTCP extended reports (RFC 3611 section 4.7.5): `r_factor`,
    /// `mos_listening` and `mos_conversation`.
    pub const fn fill(&self, metrics: &mut VoipMetrics) {
        metrics.r_factor = self.r_factor();
        // Tenths, 10 to 45.
        metrics.mos_listening = ((self.listening_mos_x100() + 5) / 10) as u8;
        metrics.mos_conversation = ((self.mos_x100() + 5) / 10) as u8;
    }
}

/// The mean opinion that R in hundredths means (G.107 annex B), in hundredths.
const fn mos_x100(r_x100: u16) -> u16 {
    let r = r_x100 as i64;
    if r >= 10_000 {
        return 450;
    }
    // 100 + 3.5 R + 100 · 7 · R (R - 60) (100 - R) / 10^6, with R in hundredths; cut once, so that a
    // better R never means less.
    let straight = r * 35 * 10_000_000;
    let bent = r * (r - 6000) * (10_000 - r) * 7;
    let mos = 100 + (straight + bent).div_euclid(10_000_000_000);
    // The curve dips below 1 for small R.
    if mos < 100 { 100 } else { mos as u16 }
}

/// What delay costs, in hundredths of R: every 25 ms from 0 to 600.
static DELAY: [u16; 25] = [
    0, 82, 145, 202, 254, 304, 367, 498, 740, 1060, 1403, 1738, 2054, 2347, 2618, 2867, 3096, 3306,
    3500, 3677, 3840, 3990, 4128, 4255, 4372,
];

/// The same between those, and 600 ms for all that is longer.
fn delay_impairment(delay: Duration) -> i32 {
    let us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
    let (step, within) = ((us / 25_000) as usize, (us % 25_000) as i32);
    let at = |step: usize| DELAY.get(step).or(DELAY.last()).copied().map_or(0, i32::from);
    let (low, high) = (at(step), at(step.saturating_add(1)));
    low + (high - low) * within / 25_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The defaults of G.107 table 3.
    const SLR: f64 = 8.0;
    const RLR: f64 = 2.0;
    const STMR: f64 = 15.0;
    const DS: f64 = 3.0;
    const DR: f64 = 3.0;
    const TELR: f64 = 65.0;
    const WEPL: f64 = 110.0;
    const NC: f64 = -70.0;
    const NFOR: f64 = -64.0;
    const PS: f64 = 35.0;
    const PR: f64 = 35.0;

    fn power_sum(levels: &[f64]) -> f64 {
        10.0 * levels.iter().map(|level| 10f64.powf(level / 10.0)).sum::<f64>().log10()
    }

    /// G.107 section 7.2: the noise of all sources.
    fn noise() -> f64 {
        let olr = SLR + RLR;
        let nos = PS - SLR - DS - 100.0 + 0.004 * (PS - olr - DS - 14.0).powi(2);
        let lstr = STMR + DR;
        let pre = PR + 10.0 * (1.0 + 10f64.powf((10.0 - lstr) / 10.0)).log10();
        let nor = RLR - 121.0 + pre + 0.008 * (pre - 35.0).powi(2);
        power_sum(&[NC, nos, nor, NFOR + RLR])
    }

    fn ro() -> f64 {
        15.0 - 1.5 * (SLR + noise())
    }

    /// G.107 section 7.4, with one quantizing distortion unit.
    fn is() -> f64 {
        let olr = SLR + RLR;
        let no = noise();
        let stmro =
            -10.0 * (10f64.powf(-STMR / 10.0) + (-0.0f64).exp() * 10f64.powf(-TELR / 10.0)).log10();
        let xolr = olr + 0.2 * (64.0 + no - RLR);
        let iolr = 20.0 * ((1.0 + (xolr / 8.0).powi(8)).powf(1.0 / 8.0) - xolr / 8.0);
        let ist = 12.0 * (1.0 + ((stmro - 13.0) / 6.0).powi(8)).powf(1.0 / 8.0)
            - 28.0 * (1.0 + ((stmro + 1.0) / 19.4).powi(35)).powf(1.0 / 35.0)
            - 13.0 * (1.0 + ((stmro - 3.0) / 33.0).powi(13)).powf(1.0 / 13.0)
            + 29.0;
        let q = 37.0 - 15.0 * 1f64.log10();
        let g = 1.07 + 0.258 * q + 0.0602 * q * q;
        let y = (ro() - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0;
        let z = 46.0 / 30.0 - g / 40.0;
        let iq = 15.0 * (1.0 + 10f64.powf(y) + 10f64.powf(z)).log10();
        iolr + ist + iq
    }

    /// G.107 section 7.5, for a one-way delay in milliseconds.
    fn id(t: f64) -> f64 {
        let (ta, tr) = (t, 2.0 * t);
        let no = noise();
        let roe = -1.5 * (no - RLR);
        let terv = TELR - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10()
            + 6.0 * (-0.3 * t * t).exp();
        let re = 80.0 + 2.5 * (terv - 14.0);
        let half = (roe - re) / 2.0;
        let idte = (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-t).exp());
        let rle = 10.5 * (WEPL + 7.0) * (tr + 1.0).powf(-0.25);
        let half = (ro() - rle) / 2.0;
        let idle = half + (half * half + 169.0).sqrt();
        let x = (ta / 100.0).log2();
        let idd = if ta <= 100.0 {
            0.0
        } else {
            25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0)
                - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0)
                + 2.0)
        };
        idte + idle + idd
    }

    #[test]
    fn the_defaults_leave_93_2() {
        assert!((ro() - is() - id(0.0) - 93.2).abs() < 0.05);
        let quality = Call::new(Impairment::G711).rate();
        assert_eq!((quality.r_x100(), quality.r_factor(), quality.mos_x100()), (9320, 93, 440));
    }

    #[test]
    fn the_table_of_delays_is_that_of_the_formulas() {
        for (step, cost) in DELAY.iter().enumerate() {
            let exact = (id(step as f64 * 25.0) - id(0.0)) * 100.0;
            assert!((f64::from(*cost) - exact).abs() <= 1.0, "{step}");
        }
        for ms in 0..600 {
            let exact = (id(ms as f64) - id(0.0)) * 100.0;
            let cost = delay_impairment(Duration::from_millis(ms));
            assert!((f64::from(cost) - exact).abs() < 30.0, "{ms} ms: {cost} {exact}");
        }
        let long = [Duration::from_secs(1), Duration::MAX].map(delay_impairment);
        assert_eq!(long, [4372; 2]);
    }

    #[test]
    fn loss_costs_what_the_formula_says() {
        let codecs = [
            Impairment::G711,
            Impairment::G711_CONCEALED,
            Impairment::G729A,
            Impairment::G723_1,
            Impairment::GSM_EFR,
        ];
        for impairment in codecs {
            for percent in 0..=100u64 {
                for burst_ratio_x100 in [100, 150, 400] {
                    let loss = Call::loss_of(percent, 100);
                    let call = Call { loss, burst_ratio_x100, ..Call::new(impairment) };
                    let (ie, bpl) =
                        (f64::from(impairment.ie), f64::from(impairment.bpl_x10) / 10.0);
                    let ppl = percent as f64;
                    let burst = f64::from(burst_ratio_x100) / 100.0;
                    let exact = 93.2 - (ie + (95.0 - ie) * ppl / (ppl / burst + bpl));
                    let r = f64::from(call.rate().r_x100()) / 100.0;
                    assert!(
                        (r - exact.max(0.0)).abs() < 0.1,
                        "{impairment:?} {percent} {r} {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn opinions_follow_from_r_as_annex_b_says() {
        for r_x100 in 0..=10_000u16 {
            let r = f64::from(r_x100) / 100.0;
            let exact = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
            let exact = exact.clamp(1.0, 4.5) * 100.0;
            assert!((f64::from(mos_x100(r_x100)) - exact).abs() <= 2.0, "{r} {exact}");
        }
        assert!((0..10_000).all(|r| mos_x100(r) <= mos_x100(r + 1)), "a better R is never worse");
        // G.107 table B.1: 4.34, 4.03, 3.60, 3.10, 2.58.
        let rows = [(9000, 434), (8000, 402), (7000, 360), (6000, 310), (5000, 258)];
        for (r, mos) in rows {
            assert!(mos_x100(r).abs_diff(mos) <= 1, "{r}");
        }
    }

    #[test]
    fn one_who_only_listens_does_not_mind_delay() {
        let mut call = Call::new(Impairment::G711_CONCEALED);
        call.delay = Duration::from_millis(400);
        let quality = call.rate();
        assert!(quality.mos_x100() < 330 && quality.listening_mos_x100() == 440);
        let mut metrics = VoipMetrics::default();
        quality.fill(&mut metrics);
        assert_eq!(
            (metrics.r_factor, metrics.mos_conversation, metrics.mos_listening),
            (62, 32, 44)
        );
    }

    #[test]
    fn bursts_are_told_from_random_loss() {
        // One in ten, one at a time: somewhat rarer than random loss makes neighbours.
        assert_eq!(Call::burst_ratio_of(100, 100, 1000), 100);
        // In runs of three.
        assert_eq!(Call::burst_ratio_of(99, 33, 1000), 270);
        assert_eq!(Call::burst_ratio_of(0, 0, 1000), 100);
        assert_eq!(Call::burst_ratio_of(u64::MAX, 1, u64::MAX), 100);
        assert_eq!(Call::burst_ratio_of(u64::MAX - 1, 1, u64::MAX), u16::MAX);
        assert_eq!(Call::loss_of(u64::MAX - 1, u64::MAX), u16::MAX);
        assert_eq!(
            (Call::loss_of(1, 2), Call::loss_of(0, 0), Call::loss_of(7, 3)),
            (32_768, 0, u16::MAX)
        );
    }

    #[test]
    fn nothing_is_rated_outside_the_scale() {
        let worst = Call {
            impairment: Impairment { ie: 255, bpl_x10: 0 },
            delay: Duration::MAX,
            loss: u16::MAX,
            burst_ratio_x100: 0,
            advantage: 0,
        };
        assert_eq!((worst.rate().r_factor(), worst.rate().mos_x100()), (0, 100));
        let best = Call { advantage: 255, ..Call::new(Impairment::G711) };
        assert_eq!((best.rate().r_factor(), best.rate().mos_x100()), (100, 450));
    }
}
