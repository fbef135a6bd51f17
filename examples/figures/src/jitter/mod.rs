//! The table and the picture of what a jitter buffer makes of bad networks.

mod drawing;
mod network;

use core::fmt::Write;
use core::time::Duration;

use rtp_core::jitter::Delay;

use network::{Outcome, Scenario};

/// For how long each network is run, in virtual time.
const LENGTH: Duration = Duration::from_secs(6 * 3600);
const SEED: u64 = 7;

/// The delay that [`rtp_core::jitter::Config::new`] has.
const ADAPTIVE: Delay =
    Delay::Adaptive { minimum: Duration::from_millis(20), maximum: Duration::from_millis(200) };

/// The table, a row for each network; and the picture of the worst.
pub(crate) fn table_and_picture() -> (String, String) {
    let mut text = String::from(
        "| six hours of loss and jitter | network lost | mean delay | too late | too late with a \
         fixed delay as long | concealed | deepest |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut picture = String::new();
    for scenario in Scenario::ALL {
        let (adaptive, fixed) = both(&scenario, LENGTH);
        row(&mut text, scenario.name, &adaptive, &fixed);
        if scenario.name == Scenario::WORST.name {
            picture = drawing::svg(&adaptive.minutes, &fixed.minutes);
        }
    }
    (text, picture)
}

/// A network behind an adaptive buffer, and behind a fixed one of the same mean delay.
fn both(scenario: &Scenario, length: Duration) -> (Outcome, Outcome) {
    let adaptive = network::run(scenario, ADAPTIVE, length, SEED);
    // A fixed delay is held for whole packets: the one that comes out as long is looked for.
    let mut delay = adaptive.delay;
    let mut fixed = network::run(scenario, Delay::Fixed(delay), length, SEED);
    for _ in 0..4 {
        let wanted = delay + adaptive.delay;
        delay = wanted.saturating_sub(fixed.delay);
        fixed = network::run(scenario, Delay::Fixed(delay), length, SEED);
    }
    (adaptive, fixed)
}

fn row(text: &mut String, name: &str, adaptive: &Outcome, fixed: &Outcome) {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let concealed = adaptive.statistics.concealed as f64 / adaptive.sent as f64;
    let _ = writeln!(
        text,
        "| {name} | {} | {} ms | {} | {} | {} | {} |",
        percent(adaptive.lost()),
        adaptive.delay.as_millis(),
        percent(adaptive.late()),
        percent(fixed.late()),
        percent(concealed),
        adaptive.deepest,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn late_loss_is_what_a_fixed_delay_as_long_loses_or_less() {
        for scenario in Scenario::ALL {
            let (adaptive, fixed) = both(&scenario, LENGTH);
            let apart = adaptive.delay.abs_diff(fixed.delay);
            assert!(apart < Duration::from_millis(5), "{}: {apart:?}", scenario.name);
            let (late, late_fixed) = (adaptive.late(), fixed.late());
            if scenario.changing {
                assert!(late < 0.01 && late * 5.0 < late_fixed, "{}: {late}", scenario.name);
            } else {
                // Where the network stays as it is nothing is better than the right fixed delay.
                assert!(late < 0.001 && late < late_fixed + 2e-4, "{}: {late}", scenario.name);
            }
        }
    }

    #[test]
    fn neither_delay_nor_depth_grows_in_six_hours() {
        for scenario in Scenario::ALL {
            let outcome = network::run(&scenario, ADAPTIVE, LENGTH, SEED);
            let mean = |minutes: &[network::Minute]| {
                let played: f64 = minutes.iter().map(|minute| f64::from(minute.played)).sum();
                let sum: f64 = minutes.iter().map(|m| m.delay_ms * f64::from(m.played)).sum();
                sum / played
            };
            let (first, last) = (&outcome.minutes[..60], &outcome.minutes[300..360]);
            if scenario.changing {
                // No minute waits longer than its own jitter, a play-out tick or two, and what is
                // left of the phase before asks for.
                let before = outcome.minutes.windows(3).map(|three| {
                    let jitter = three.iter().map(|minute| minute.jitter_ms).fold(0.0, f64::max);
                    three[2].delay_ms - jitter
                });
                let most = before.fold(0.0, f64::max);
                assert!(most < 60.0, "{}: {most} ms", scenario.name);
            } else {
                let grown = mean(last) - mean(first);
                assert!(grown.abs() < 20.0, "{}: {grown} ms", scenario.name);
            }
            assert!(outcome.deepest <= network::PACKETS, "{}: {}", scenario.name, outcome.deepest);
        }
    }

    #[test]
    fn every_packet_and_every_concealment_is_counted() {
        for scenario in Scenario::ALL {
            let outcome = network::run(&scenario, ADAPTIVE, HOUR, SEED);
            let statistics = outcome.statistics;
            let accounted = statistics.played + statistics.lost + statistics.discarded;
            // What is in the buffer at the end is neither.
            let open = outcome.sent - accounted;
            assert!(open <= network::PACKETS as u64, "{}: {open}", scenario.name);
            assert_eq!(statistics.restarts, 0);
            if !scenario.pauses && scenario.burst == 1 && scenario.drift == 0 {
                // Nothing is concealed but what did not come in time, once.
                let apart = statistics.concealed.abs_diff(statistics.lost);
                assert!(apart <= 5, "{}: {statistics:?}", scenario.name);
            }
        }
    }

    #[test]
    fn the_picture_has_a_line_for_each_of_both_and_of_the_network() {
        let minutes = vec![network::Minute { sent: 10, arrived: 9, ..Default::default() }; 6];
        let text = drawing::svg(&minutes, &minutes);
        assert_eq!(text.matches(r#"fill="none""#).count(), 6);
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    }
}
