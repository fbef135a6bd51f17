//! Delay and loss over time, as SVG.

use core::fmt::Write;

use super::network::Minute;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 884.0;
/// Colours that are told apart on white and on black, and by those who see no red or no green.
const NETWORK: &str = "#8c8c8c";
const ADAPTIVE: &str = "#1f77b4";
const FIXED: &str = "#e6750a";

/// A coordinate system with its frame.
struct Panel {
    top: f64,
    bottom: f64,
    /// What is at the top; 0 is at the bottom.
    highest: f64,
    minutes: usize,
}

impl Panel {
    fn x(&self, minute: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * minute / self.minutes as f64
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * value.min(self.highest) / self.highest
    }

    fn frame(&self, text: &mut String, title: &str, unit: &str, step: f64) {
        let mut value = 0.0;
        while value <= self.highest {
            let y = self.y(value);
            let _ = writeln!(
                text,
                r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#8c8c8c" stroke-opacity=".3"/><text x="{:.0}" y="{:.1}" text-anchor="end">{value} {unit}</text>"##,
                LEFT - 6.0,
                y + 4.0,
            );
            value += step;
        }
        for hour in 0..=self.minutes / 60 {
            let x = self.x(hour as f64 * 60.0);
            let _ = writeln!(
                text,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{hour} h</text>"#,
                self.bottom + 16.0,
            );
        }
        let _ = writeln!(
            text,
            r#"<text x="{LEFT}" y="{:.1}" font-weight="bold">{title}</text>"#,
            self.top - 10.0,
        );
    }

    /// A line that holds each value for its minute.
    fn line(&self, text: &mut String, colour: &str, values: impl Iterator<Item = f64>) {
        let mut path = String::new();
        for (minute, value) in values.enumerate() {
            let letter = if minute == 0 { 'M' } else { 'L' };
            let (y, from, to) = (self.y(value), self.x(minute as f64), self.x(minute as f64 + 1.0));
            let _ = write!(path, "{letter}{from:.1} {y:.1}H{to:.1}");
        }
        let _ = writeln!(
            text,
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.3" stroke-linejoin="round"/>"#
        );
    }
}

/// Draws what an adaptive and a fixed delay make of the same network.
pub(crate) fn svg(adaptive: &[Minute], fixed: &[Minute]) -> String {
    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 520" font-family="sans-serif" font-size="12" fill="#808080">
"##
    );
    let legend = [(NETWORK, "network"), (ADAPTIVE, "adaptive delay"), (FIXED, "fixed delay")];
    for (place, (colour, name)) in legend.into_iter().enumerate() {
        let x = 520.0 + place as f64 * 126.0;
        let _ = writeln!(
            text,
            r#"<path d="M{x} 16h22" stroke="{colour}" stroke-width="3"/><text x="{}" y="20">{name}</text>"#,
            x + 28.0,
        );
    }
    let minutes = adaptive.len();
    let delay = Panel { top: 40.0, bottom: 250.0, highest: 250.0, minutes };
    delay.frame(&mut text, "Delay, and the network's jitter", "ms", 50.0);
    delay.line(&mut text, NETWORK, adaptive.iter().map(|minute| minute.jitter_ms));
    delay.line(&mut text, FIXED, fixed.iter().map(|minute| minute.delay_ms));
    delay.line(&mut text, ADAPTIVE, adaptive.iter().map(|minute| minute.delay_ms));

    let share = |part: u32, whole: u32| 100.0 * f64::from(part) / f64::from(whole.max(1));
    let loss = Panel { top: 310.0, bottom: 490.0, highest: 50.0, minutes };
    loss.frame(&mut text, "Lost on the way, and too late to be played", "%", 10.0);
    let lost = adaptive.iter().map(|minute| share(minute.sent - minute.arrived, minute.sent));
    loss.line(&mut text, NETWORK, lost);
    loss.line(&mut text, FIXED, fixed.iter().map(|minute| share(minute.late, minute.arrived)));
    let late = adaptive.iter().map(|minute| share(minute.late, minute.arrived));
    loss.line(&mut text, ADAPTIVE, late);
    text.push_str("</svg>\n");
    text
}
