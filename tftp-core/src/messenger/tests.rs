use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use handset_testkit::{Random, seeds};

const NOW: Duration = Duration::ZERO;

fn keys() -> Keys {
    Keys {
        encryption: Key::from_base64(b"mtZPaeEUqFosUqX6r45CAnMta6Nr+ckM").unwrap(),
        hash: Key::from_base64(b"VAVXdaWMiD9i16lD61GdGKNDElLRVVRE").unwrap(),
    }
}

fn file(len: u32) -> Vec<u8> {
    (0..len).map(|i| i.wrapping_mul(7).wrapping_add(3) as u8).collect()
}

fn config(size: u64) -> Config<'static> {
    Config::new("bob@example.test", 123_456_789, size, keys())
}

fn plain(size: u64) -> Config<'static> {
    Config::plain("bob@example.test", 123_456_789, size)
}

/// How a transfer ended on one side.
type End = Result<Event<'static>, Error>;

/// One side of a connection in memory: what it has sent, what it has not used yet, how it ended.
struct Side<M> {
    machine: M,
    sent: Vec<u8>,
    inbox: Vec<u8>,
    end: Option<End>,
}

impl<M> Side<M> {
    fn new(machine: M) -> Self {
        Self { machine, sent: Vec::new(), inbox: Vec::new(), end: None }
    }

    fn ended(&mut self, end: End) {
        assert_eq!(self.end, None, "a transfer ends once");
        self.end = Some(end);
    }
}

fn is_end(event: &Event<'_>) -> bool {
    matches!(event, Event::Complete | Event::Cancelled { .. } | Event::Failed(_))
}

impl Side<Sender> {
    fn run(&mut self, now: Duration, file: &[u8], buffer: &mut [u8]) {
        loop {
            let before = (self.sent.len(), self.inbox.len());
            match self.machine.handle_stream(now, &self.inbox) {
                Ok((used, event)) => {
                    if let Some(Event::Complete) = event {
                        self.ended(Ok(Event::Complete));
                    } else if let Some(Event::Cancelled { code }) = event {
                        self.ended(Ok(Event::Cancelled { code }));
                    }
                    self.inbox.drain(..used);
                }
                Err(error) => {
                    self.inbox.clear();
                    self.ended(Err(error));
                }
            }
            while let Some(transmit) = self.machine.poll_transmit(now, buffer) {
                self.sent.extend_from_slice(&buffer[..transmit.len]);
            }
            while let Some(event) = self.machine.poll_event() {
                if is_end(&event) {
                    self.ended(Ok(event));
                }
            }
            if let Some(read) = self.machine.poll_read() {
                let data = &file[usize::try_from(read.offset).unwrap()..];
                let (_, transmit) = self.machine.supply(now, data, buffer).unwrap();
                self.sent.extend_from_slice(&buffer[..transmit.len]);
            }
            if before == (self.sent.len(), self.inbox.len()) {
                return;
            }
        }
    }
}

impl Side<Receiver> {
    fn run(&mut self, now: Duration, file: &mut Vec<u8>) {
        let mut buffer = [0; TRANSMIT_LEN];
        loop {
            let before = (self.sent.len(), self.inbox.len());
            let mut end = None;
            match self.machine.handle_stream(now, &mut self.inbox) {
                Ok((used, event)) => {
                    match event {
                        Some(Event::Data { offset, data }) => {
                            assert_eq!(offset, file.len() as u64, "in order");
                            file.extend_from_slice(data);
                        }
                        Some(Event::Complete) => end = Some(Ok(Event::Complete)),
                        Some(Event::Cancelled { code }) => {
                            end = Some(Ok(Event::Cancelled { code }))
                        }
                        _ => {}
                    }
                    self.inbox.drain(..used);
                }
                Err(error) => {
                    self.inbox.clear();
                    end = Some(Err(error));
                }
            }
            if let Some(end) = end {
                self.ended(end);
            }
            while let Some(transmit) = self.machine.poll_transmit(now, &mut buffer) {
                self.sent.extend_from_slice(&buffer[..transmit.len]);
            }
            while let Some(event) = self.machine.poll_event() {
                if is_end(&event) {
                    self.ended(Ok(event));
                }
            }
            if before == (self.sent.len(), self.inbox.len()) {
                return;
            }
        }
    }
}

/// Runs a whole transfer; `cut` says how many octets pass at a time.
fn transfer(
    of: &Config<'_>,
    to: &Config<'_>,
    data: &[u8],
    buffer: usize,
    mut cut: impl FnMut() -> usize,
) -> (Side<Sender>, Side<Receiver>, Vec<u8>) {
    let mut sender = Side::new(Sender::new(NOW, of).unwrap());
    let mut receiver = Side::new(Receiver::new(NOW, to).unwrap());
    let mut buffer = vec![0; buffer];
    let mut copy = Vec::new();
    let (mut from_sender, mut from_receiver) = (0, 0);
    loop {
        sender.run(NOW, data, &mut buffer);
        receiver.run(NOW, &mut copy);
        let a = (receiver.sent.len() - from_receiver).min(cut());
        sender.inbox.extend_from_slice(&receiver.sent[from_receiver..from_receiver + a]);
        from_receiver += a;
        let b = (sender.sent.len() - from_sender).min(cut());
        receiver.inbox.extend_from_slice(&sender.sent[from_sender..from_sender + b]);
        from_sender += b;
        if a == 0 && b == 0 {
            return (sender, receiver, copy);
        }
    }
}

#[test]
fn the_captured_transfer_passes_octet_by_octet() {
    let data = file(3000);
    let (sender, receiver, copy) = transfer(&config(3000), &config(3000), &data, 4096, || 9999);
    assert_eq!(sender.end, Some(Ok(Event::Complete)));
    assert_eq!(receiver.end, Some(Ok(Event::Complete)));
    assert_eq!(copy, data);
    assert_eq!(
        String::from_utf8(receiver.sent.clone()).unwrap(),
        "VER MSN_SECURE_FTP\r\nUSR bob@example.test 123456789\r\nTFR\r\nBYE 16777989\r\n"
    );
    assert_eq!((sender.sent.len(), receiver.sent.len()), (3071, 71));
    let stream = sender.sent;
    assert!(stream.starts_with(b"VER MSN_SECURE_FTP\r\nFIL 3000\r\n\x00\xfd\x07"));
    let chunks = &stream[30..];
    assert_eq!(hex::encode(&chunks[3..19]), "12f410b14f8a3ddc9f5df8495bbbc408");
    assert_eq!(chunks[2048..2051], [0x00, 0xbb, 0x03]);
    assert_eq!(hex::encode(&chunks[2990..3006]), "daa7fe8f7c24e06e7deaf311f3c50f7d");
    assert_eq!(&chunks[3006..], b"MAC jonBO3yQDhxckJHxaL/9IfMRtwM=\0\r\n");
}

#[test]
fn a_stream_cut_anywhere_means_the_same() {
    seeds(60, |seed| {
        let mut random = Random::new(seed);
        let size = random.below(9000);
        let data = random.octets(usize::try_from(size).unwrap());
        let secure = random.chance(500);
        let config = if secure { config(size) } else { plain(size) };
        let buffer = 256 + usize::try_from(random.below(9000)).unwrap();
        let most = 1 + random.below(700);
        let cut = || 1 + usize::try_from(random.below(most)).unwrap();
        let (sender, receiver, copy) = transfer(&config, &config, &data, buffer, cut);
        assert_eq!(sender.end, Some(Ok(Event::Complete)));
        assert_eq!(receiver.end, Some(Ok(Event::Complete)));
        assert_eq!(copy, data);
        assert_eq!(sender.machine.transferred(), size);
        assert_eq!(receiver.machine.transferred(), size);
        assert!(sender.machine.is_ended() && receiver.machine.is_ended());
    });
}

#[test]
fn an_empty_file_passes_in_both_dialects() {
    for config in [config(0), plain(0)] {
        let (sender, receiver, copy) = transfer(&config, &config, &[], 256, || 1);
        assert_eq!(sender.end, Some(Ok(Event::Complete)));
        assert_eq!(receiver.end, Some(Ok(Event::Complete)));
        assert_eq!(copy, b"");
    }
}

#[test]
fn each_disagreement_has_its_own_error() {
    let end = |of: &Config<'_>, to: &Config<'_>| {
        let size = usize::try_from(of.size).unwrap();
        let (sender, receiver, copy) = transfer(of, to, &file(3000)[..size], 4096, || 100);
        assert_ne!(receiver.end, Some(Ok(Event::Complete)), "nothing wrong passes for whole");
        assert!(copy.len() <= 3000);
        (sender.end, receiver.end)
    };
    let ours = config(3000);
    let stranger = Config { auth_cookie: 1, ..config(3000) };
    assert_eq!(end(&ours, &stranger), (Some(Err(Error::WrongCookie)), None));
    let eve = Config { name: "eve@example.test", ..config(3000) };
    assert_eq!(end(&ours, &eve), (Some(Err(Error::WrongName)), None));
    let wrong_size = Error::WrongSize { announced: 2999, said: 3000 };
    assert_eq!(end(&ours, &config(2999)), (None, Some(Err(wrong_size))));
    assert_eq!(end(&ours, &plain(3000)), (Some(Err(Error::WrongVersion)), None));
    assert_eq!(end(&plain(3000), &ours), (Some(Err(Error::WrongVersion)), None));
    let other = Keys { hash: Key::new([0; 24]), ..keys() };
    let other = Config::new("bob@example.test", 123_456_789, 3000, other);
    assert_eq!(end(&ours, &other), (Some(Ok(Event::Complete)), Some(Err(Error::WrongMac))));
    // The name is compared without case.
    let bob = Config { name: "BOB@Example.test", ..config(3000) };
    let (_, receiver, _) = transfer(&ours, &bob, &file(3000), 4096, || 100);
    assert_eq!(receiver.end, Some(Ok(Event::Complete)));
}

#[test]
fn one_octet_changed_anywhere_in_the_data_is_found() {
    let data = file(300);
    let (sender, _, _) = transfer(&config(300), &config(300), &data, 4096, || 9999);
    let begin = b"VER MSN_SECURE_FTP\r\nFIL 300\r\n".len() + CHUNK_HEADER;
    for at in begin..begin + 300 {
        let mut stream = sender.sent.clone();
        stream[at] ^= 1;
        let mut receiver = Side::new(Receiver::new(NOW, &config(300)).unwrap());
        receiver.inbox = stream;
        receiver.run(NOW, &mut Vec::new());
        assert_eq!(receiver.end, Some(Err(Error::WrongMac)));
    }
}

#[test]
fn a_mac_without_its_nul_is_taken() {
    let (sender, _, _) = transfer(&config(300), &config(300), &file(300), 4096, || 9999);
    let mut stream = sender.sent;
    let nul = stream.len() - 3;
    assert_eq!(stream.remove(nul), 0);
    let mut receiver = Side::new(Receiver::new(NOW, &config(300)).unwrap());
    receiver.inbox = stream;
    receiver.run(NOW, &mut Vec::new());
    assert_eq!(receiver.end, Some(Ok(Event::Complete)));
}

/// A sender that is about to send data.
fn started(config: &Config<'_>) -> Side<Sender> {
    let mut sender = Side::new(Sender::new(NOW, config).unwrap());
    let version = config.dialect().name();
    sender.inbox =
        format!("VER {version}\r\nUSR bob@example.test 123456789\r\nTFR\r\n").into_bytes();
    let mut buffer = [0; 4096];
    while !sender.inbox.is_empty() {
        let (used, _) = sender.machine.handle_stream(NOW, &sender.inbox).unwrap();
        sender.inbox.drain(..used);
        while let Some(transmit) = sender.machine.poll_transmit(NOW, &mut buffer) {
            sender.sent.extend_from_slice(&buffer[..transmit.len]);
        }
    }
    assert!(sender.machine.poll_read().is_some());
    sender
}

#[test]
fn the_receiver_may_cancel_in_the_middle() {
    for (line, code) in [
        ("CCL\r\n", ByeCode::ReceiverCancelled),
        ("BYE 2164261682\r\n", ByeCode::ReceiverCancelled),
        ("BYE 2147942405\r\n", ByeCode::DiskFull),
        ("BYE 2164261694\r\n", ByeCode::TimedOut),
        ("BYE 5\r\n", ByeCode::Other(5)),
        ("BYE\r\n", ByeCode::Other(0)),
    ] {
        let mut sender = started(&config(3000));
        let mut buffer = [0; 2048];
        let (taken, _) = sender.machine.supply(NOW, &file(3000), &mut buffer).unwrap();
        assert_eq!(taken, CHUNK);
        let result = sender.machine.handle_stream(NOW, line.as_bytes());
        assert_eq!(result, Ok((line.len(), Some(Event::Cancelled { code }))));
        assert_eq!(sender.machine.poll_read(), None);
        assert_eq!(sender.machine.supply(NOW, b"x", &mut buffer), Err(Error::NotWanted));
        assert_eq!(sender.machine.poll_timeout(), None);
    }
}

#[test]
fn the_receiver_says_why_it_cancels() {
    for (code, line) in
        [(ByeCode::ReceiverCancelled, &b"CCL\r\n"[..]), (ByeCode::DiskFull, b"BYE 2147942405\r\n")]
    {
        let mut receiver = Receiver::new(NOW, &config(10)).unwrap();
        let mut buffer = [0; TRANSMIT_LEN];
        assert_eq!(receiver.poll_transmit(NOW, &mut buffer), Some(Transmit { len: 20 }));
        receiver.cancel(NOW, code);
        receiver.cancel(NOW, ByeCode::TimedOut);
        let len = receiver.poll_transmit(NOW, &mut buffer).unwrap().len;
        assert_eq!(&buffer[..len], line);
        assert_eq!(receiver.poll_event(), Some(Event::Cancelled { code }));
        assert_eq!((receiver.poll_event(), receiver.poll_timeout()), (None, None));
    }
}

#[test]
fn what_the_receiver_could_not_keep_is_not_called_received() {
    for (config, octets) in [(config(3), &b"\0\x03\0abc"[..]), (plain(3), b"\0\x03\0abc")] {
        let version = format!("VER {}\r\n", config.dialect().name());
        let mut receiver = Receiver::new(NOW, &config).unwrap();
        let mut buffer = [0; TRANSMIT_LEN];
        for line in [version.as_bytes(), b"FIL 3\r\n", octets] {
            while receiver.poll_transmit(NOW, &mut buffer).is_some() {}
            receiver.handle_stream(NOW, &mut line.to_vec()).unwrap();
        }
        receiver.cancel(NOW, ByeCode::DiskFull);
        let len = receiver.poll_transmit(NOW, &mut buffer).unwrap().len;
        assert_eq!(&buffer[..len], b"BYE 2147942405\r\n");
        assert_eq!(receiver.poll_transmit(NOW, &mut buffer), None);
        let code = ByeCode::DiskFull;
        assert_eq!(receiver.poll_event(), Some(Event::Cancelled { code }));
        assert_eq!((receiver.poll_event(), receiver.is_ended()), (None, true));
    }
}

#[test]
fn the_sender_may_cancel_in_the_middle() {
    for config in [config(3000), plain(3000)] {
        let mut sender = started(&config);
        let mut buffer = [0; 2048];
        let (_, transmit) = sender.machine.supply(NOW, &file(3000), &mut buffer).unwrap();
        sender.sent.extend_from_slice(&buffer[..transmit.len]);
        sender.machine.cancel(NOW);
        let len = sender.machine.poll_transmit(NOW, &mut buffer).unwrap().len;
        assert_eq!(buffer[..len], [1, 0, 0]);
        sender.sent.extend_from_slice(&buffer[..len]);
        let code = ByeCode::SenderCancelled;
        assert_eq!(sender.machine.poll_event(), Some(Event::Cancelled { code }));

        let mut receiver = Side::new(Receiver::new(NOW, &config).unwrap());
        receiver.inbox = sender.sent;
        let mut copy = Vec::new();
        receiver.run(NOW, &mut copy);
        assert_eq!(receiver.end, Some(Ok(Event::Cancelled { code })));
        assert_eq!(copy, file(3000)[..CHUNK]);
    }
}

#[test]
fn a_plain_sender_may_end_with_an_empty_chunk_of_type_1() {
    let mut receiver = Side::new(Receiver::new(NOW, &plain(3)).unwrap());
    receiver.inbox = b"VER 1 MSNFTP OTHER\r\nFIL 3\r\n\0\x03\0abc\x01\0\0".to_vec();
    let mut copy = Vec::new();
    receiver.run(NOW, &mut copy);
    assert_eq!(receiver.end, Some(Ok(Event::Complete)));
    assert_eq!(copy, b"abc");
    assert!(receiver.sent.ends_with(b"TFR\r\nBYE 16777989\r\n"));
}

#[test]
fn a_connection_that_ends_early_is_no_whole_file() {
    let (sender, _, _) = transfer(&config(300), &config(300), &file(300), 4096, || 9999);
    for len in 0..sender.sent.len() {
        let mut receiver = Side::new(Receiver::new(NOW, &config(300)).unwrap());
        receiver.inbox = sender.sent[..len].to_vec();
        receiver.run(NOW, &mut Vec::new());
        assert_eq!(receiver.end, None, "{len} octets");
        receiver.machine.handle_closed(NOW);
        assert_eq!(receiver.machine.poll_event(), Some(Event::Failed(Error::Closed)));
        assert_eq!(receiver.machine.poll_event(), None);
    }
}

#[test]
fn silence_ends_a_transfer() {
    let silence = Config { silence: Duration::from_secs(10), ..config(3000) };
    let mut sender = Sender::new(NOW, &silence).unwrap();
    assert_eq!(sender.poll_timeout(), Some(Duration::from_secs(10)));
    let later = Duration::from_secs(9);
    sender.handle_timeout(later);
    assert_eq!(sender.poll_event(), None, "early calls are harmless");
    let (used, _) = sender.handle_stream(later, b"VER MSN_SECURE_FTP\r\n").unwrap();
    assert_eq!(used, 20);
    assert_eq!(sender.poll_timeout(), Some(Duration::from_secs(19)));
    sender.handle_timeout(Duration::from_secs(19));
    assert_eq!(sender.poll_event(), Some(Event::Failed(Error::TimedOut)));
    assert_eq!(sender.poll_timeout(), None);

    let mut receiver = Receiver::new(NOW, &silence).unwrap();
    receiver.handle_timeout(Duration::from_secs(10));
    assert_eq!(receiver.poll_event(), Some(Event::Failed(Error::TimedOut)));
    // It has not even said its VER: there is no point in it any more.
    assert_eq!(receiver.poll_transmit(NOW, &mut [0; 256]), None);
}

#[test]
fn what_may_not_come_is_named_with_its_place() {
    let at = |at| Error::Parse(ParseError { what: crate::error::Fault::Command, at });
    let sender = |stream: &[u8]| {
        let mut side = Side::new(Sender::new(NOW, &config(30)).unwrap());
        side.inbox = stream.to_vec();
        side.run(NOW, &file(30), &mut [0; 4096]);
        side.end
    };
    let version = b"VER MSN_SECURE_FTP\r\n";
    assert_eq!(sender(b"HELO\r\n"), Some(Err(Error::WrongVersion)));
    assert_eq!(sender(&[&version[..], b"TFR\r\n"].concat()), Some(Err(at(20))));
    assert_eq!(sender(&[&version[..], b"USR bob@example.test\r\n"].concat()), Some(Err(at(20))));
    assert_eq!(sender(&[&version[..], b"BYE 16777989\r\n"].concat()), Some(Err(at(20))));
    assert_eq!(sender(&[b'x'; LINE_LIMIT]), Some(Err(Error::LineTooLong)));
    assert_eq!(sender(&[b'x'; LINE_LIMIT - 1]), None);
    let spoken = [&version[..], b"USR bob@example.test 99999999999999999999\r\n"].concat();
    assert_eq!(sender(&spoken), Some(Err(Error::WrongCookie)));

    let receiver = |stream: &[u8]| {
        let mut side = Side::new(Receiver::new(NOW, &config(30)).unwrap());
        side.inbox = stream.to_vec();
        side.run(NOW, &mut Vec::new());
        side.end
    };
    assert_eq!(receiver(&[&version[..], b"FIL x\r\n"].concat()), Some(Err(at(20))));
    let begun = [&version[..], b"FIL 30\r\n"].concat();
    let kind = Error::Parse(ParseError { what: crate::error::Fault::ChunkType, at: 28 });
    assert_eq!(receiver(&[&begun[..], b"\x02\x01\x00x"].concat()), Some(Err(kind)));
    assert_eq!(receiver(&[&begun[..], b"\0\x1f\0"].concat()), Some(Err(Error::TooMuchData)));
    assert_eq!(
        receiver(b"BYE 2164261694\r\n"),
        Some(Ok(Event::Cancelled { code: ByeCode::TimedOut }))
    );
}

#[test]
fn a_buffer_too_small_loses_nothing() {
    let mut receiver = Receiver::new(NOW, &config(1)).unwrap();
    assert_eq!(receiver.poll_transmit(NOW, &mut [0; 5]), None);
    assert_eq!(receiver.poll_event(), Some(Event::BufferTooSmall { needed: TRANSMIT_LEN }));
    assert_eq!(receiver.poll_transmit(NOW, &mut [0; TRANSMIT_LEN]), Some(Transmit { len: 20 }));

    let mut sender = started(&config(3000));
    let too_small = Error::BufferTooSmall(BufferTooSmall { needed: 2048 });
    assert_eq!(sender.machine.supply(NOW, b"abc", &mut [0; 3]), Err(too_small));
    let (taken, transmit) = sender.machine.supply(NOW, b"abc", &mut [0; 5]).unwrap();
    assert_eq!((taken, transmit.len), (2, 5));
}

#[test]
fn many_chunks_go_into_one_buffer() {
    let mut sender = started(&config(300_000));
    let mut buffer = [0; 65536];
    let (taken, transmit) = sender.machine.supply(NOW, &file(300_000), &mut buffer).unwrap();
    assert_eq!((taken, transmit.len), (32 * CHUNK, 65536));
}

#[test]
fn names_that_would_break_the_line_are_refused() {
    let refused = ConfigError::Name { limit: NAME_LIMIT };
    for name in ["", "a b", "a\r\nb", &"x".repeat(NAME_LIMIT + 1)] {
        let config = Config { name, ..config(1) };
        assert_eq!(Sender::new(NOW, &config).err(), Some(refused));
        assert_eq!(Receiver::new(NOW, &config).err(), Some(refused));
    }
}

#[test]
fn anything_at_all_ends_in_order() {
    seeds(300, |seed| {
        let mut random = Random::new(seed);
        let words: [&[u8]; 12] = [
            b"VER MSN_SECURE_FTP\r\n",
            b"VER MSNFTP\r\n",
            b"USR bob@example.test 123456789\r\n",
            b"FIL 30\r\n",
            b"TFR\r\n",
            b"BYE 16777989\r\n",
            b"\0\x05\0",
            b"abcde",
            b"\x01\0\0",
            b"\0\0\0",
            b"MAC \0\r\n",
            b"\xff\xff\xff",
        ];
        let secure = random.chance(500);
        let config = if secure { config(30) } else { plain(30) };
        let mut sender = Side::new(Sender::new(NOW, &config).unwrap());
        let mut receiver = Side::new(Receiver::new(NOW, &config).unwrap());
        let mut copy = Vec::new();
        for _ in 0..20 {
            let word = words[usize::try_from(random.below(12)).unwrap()];
            sender.inbox.extend_from_slice(word);
            sender.run(NOW, &file(30), &mut [0; 256]);
            receiver.inbox.extend_from_slice(word);
            receiver.run(NOW, &mut copy);
            assert!(copy.len() <= 30);
        }
        assert!(!secure || receiver.end != Some(Ok(Event::Complete)));
    });
}

#[test]
fn the_machines_are_small() {
    assert!(size_of::<Sender>() <= 1100, "{}", size_of::<Sender>());
    assert!(size_of::<Receiver>() <= 1100, "{}", size_of::<Receiver>());
}
