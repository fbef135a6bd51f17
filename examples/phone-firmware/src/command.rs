//! What somebody can type on the console.

/// What the phone prints for `help`, and for what it does not understand.
pub const HELP: &str = "\
dial sip:USER@HOST  call somebody        answer       take the call that rings
hangup              end or refuse it     hold         hold it; again: take it back
dtmf DIGITS         send digits          message URI TEXT  send an instant message
watch URI           follow somebody's presence
stats               loss, jitter, delay  memory       what each part of the phone takes
cpu                 how busy the core was since it was asked last
help                this";

/// A line that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Call this URI.
    Dial(&'a str),
    /// Take the call that rings.
    Answer,
    /// End the call, or refuse it.
    Hangup,
    /// Hold the call, or take it back.
    Hold,
    /// Send these digits as telephone events.
    Dtmf(&'a str),
    /// Send an instant message: to whom, and the text.
    Message(&'a str, &'a str),
    /// Follow the presence of this URI.
    Watch(&'a str),
    /// Print the figures of the call.
    Stats,
    /// Print what memory is used.
    Memory,
    /// Print how busy the core was since the last time.
    Cpu,
    /// Print the commands.
    Help,
}

impl<'a> Command<'a> {
    /// Understands a line; `None` where it is no command.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let digit = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D');
        match (verb, rest) {
            ("dial", uri) if is_uri(uri) => Some(Self::Dial(uri)),
            ("answer", "") => Some(Self::Answer),
            ("hangup", "") => Some(Self::Hangup),
            ("hold", "") => Some(Self::Hold),
            ("dtmf", digits) if !digits.is_empty() && digits.chars().all(digit) => {
                Some(Self::Dtmf(digits))
            }
            ("message", rest) => {
                let (uri, text) = rest.split_once(' ')?;
                is_uri(uri).then_some(Self::Message(uri, text))
            }
            ("watch", uri) if is_uri(uri) => Some(Self::Watch(uri)),
            ("stats", "") => Some(Self::Stats),
            ("memory", "") => Some(Self::Memory),
            ("cpu", "") => Some(Self::Cpu),
            ("help", "") => Some(Self::Help),
            _ => None,
        }
    }
}

fn is_uri(text: &str) -> bool {
    text.starts_with("sip:") && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_understood() {
        for (line, command) in [
            ("dial sip:bob@example.test", Command::Dial("sip:bob@example.test")),
            (" answer ", Command::Answer),
            ("dtmf 12#", Command::Dtmf("12#")),
            ("message sip:b@c hi there", Command::Message("sip:b@c", "hi there")),
            ("watch sip:b@c", Command::Watch("sip:b@c")),
            ("memory", Command::Memory),
            ("cpu", Command::Cpu),
        ] {
            assert_eq!(Command::parse(line), Some(command));
        }
    }

    #[test]
    fn anything_else_is_not() {
        for line in ["", "dial", "dial bob", "dtmf", "dtmf 1x", "answer now", "message sip:b@c"] {
            assert_eq!(Command::parse(line), None, "{line}");
        }
    }
}
