//! What can be said to the telephone while it runs, one command a line.

/// What `help` prints.
pub(crate) const HELP: &str = "\
hold [CALL]            put the other side on hold
resume [CALL]          take it back
dtmf DIGITS            send digits: 0-9, *, #, A-D
transfer URI           the other side is to call URI instead (blind transfer)
dial URI               another call; the others go on: hold them first
attended CALL          the other side of CALL is to talk with the one of the current call
message TEXT           send a text within the call
call CALL              make CALL the current one, which commands are for
answer [CALL]          pick up
reject [CALL]          decline
hangup [CALL]          end a call
stats                  loss, jitter, round trip, MOS
calls                  list the calls
quit                   hang up all calls, and end";

/// A command. Where it names no call it is for the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Hold(Option<u32>),
    Resume(Option<u32>),
    Dtmf(String),
    Transfer(String),
    Dial(String),
    Attended(u32),
    Message(String),
    Select(u32),
    Answer(Option<u32>),
    Reject(Option<u32>),
    HangUp(Option<u32>),
    Stats,
    Calls,
    Help,
    Quit,
}

impl Command {
    /// Reads a line; nothing where it is empty.
    pub(crate) fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let needed = |what: &str| {
            if rest.is_empty() { Err(format!("{word} needs {what}")) } else { Ok(rest.to_owned()) }
        };
        let number = || {
            rest.parse::<u32>()
                .map_err(|_| format!("{word} needs the number of a call, not {rest:?}"))
        };
        let call = || if rest.is_empty() { Ok(None) } else { number().map(Some) };
        Ok(Some(match word {
            "" => return Ok(None),
            "hold" => Self::Hold(call()?),
            "resume" => Self::Resume(call()?),
            "dtmf" => Self::Dtmf(crate::cli::digits(&needed("digits")?)?),
            "transfer" => Self::Transfer(needed("a URI")?),
            "dial" => Self::Dial(needed("a URI")?),
            "attended" => Self::Attended(number()?),
            "message" => Self::Message(needed("a text")?),
            "call" => Self::Select(number()?),
            "answer" => Self::Answer(call()?),
            "reject" => Self::Reject(call()?),
            "hangup" => Self::HangUp(call()?),
            "stats" => Self::Stats,
            "calls" => Self::Calls,
            "help" => Self::Help,
            "quit" => Self::Quit,
            other => return Err(format!("there is no command {other:?}; `help` lists them")),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_arguments() {
        for (line, command) in [
            ("hold", Command::Hold(None)),
            (" hold 2 ", Command::Hold(Some(2))),
            ("dtmf 12#", Command::Dtmf("12#".to_owned())),
            ("transfer sip:a@b", Command::Transfer("sip:a@b".to_owned())),
            ("attended 1", Command::Attended(1)),
            ("message two words", Command::Message("two words".to_owned())),
            ("quit", Command::Quit),
        ] {
            assert_eq!(Command::parse(line), Ok(Some(command)), "{line}");
        }
        assert_eq!(Command::parse("  "), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, says) in [
            ("hold on", "number of a call"),
            ("dtmf", "needs digits"),
            ("dtmf 1x", "0 to 9"),
            ("attended", "number of a call"),
            ("sing", "no command \"sing\""),
        ] {
            let error = Command::parse(line).expect_err("it is wrong");
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn help_knows_each_command() {
        for line in HELP.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            let error = Command::parse(word).err().unwrap_or_default();
            assert!(!error.contains("no command"), "{line}");
        }
    }
}
