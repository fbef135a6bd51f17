//! Targets of t120-core.

use core::time::Duration;
use std::collections::VecDeque;

use t120_core::conference::{Conference, Config, Connection, Event, Storage};
use t120_core::error::WriteError;
use t120_core::file::pdu::MbftPdu;
use t120_core::file::{self, Offer, Session, TransferId};
use t120_core::gcc::connect::{ConnectData, ConnectGccPdu};
use t120_core::gcc::pdu::GccPdu;
use t120_core::gcc::types::EntityId;
use t120_core::mcs::connect::ConnectMcsPdu;
use t120_core::mcs::data::Data;
use t120_core::mcs::domain::DomainMcsPdu;
use t120_core::mcs::{ChannelId, DataPriority, PrivateChannelId, TokenId, UserId, v3};
use t120_core::netmeeting::chat::ChatMessage;
use t120_core::netmeeting::obman::{
    Assembly, CatchUp, Group, Joiner, Lock, Message, ObjectId as ObmanId,
};
use t120_core::netmeeting::s20::{self, Packet, Payload};
use t120_core::netmeeting::text::MsTextPdu;
use t120_core::netmeeting::whiteboard::Graphic;
use t120_core::per;
use t120_core::sharing::SharePdu;
use t120_core::tpkt::{Tpkt, frame_len};
use t120_core::whiteboard::pdu::SiPdu;
use t120_core::whiteboard::{
    Color, Edit, ObjectId, PageId, PageSetup, Pen, Point, Points, Shape, Text, ViewState, ZOrder,
};
use t120_core::x224::{Strictness, Tpdu};

use crate::drive::{Machine, Script, Wires, drive};
use crate::exactly;

/// Reads, writes, reads again: the same, and the same octets from then on.
macro_rules! aligned {
    ($type:ty, $octets:expr) => {
        if let Some(written) = written::<$type>($octets) {
            assert_eq!(written, written_again::<$type>(&written));
            let one = per::parse::<$type>($octets).expect("it was read before");
            let two = per::parse::<$type>(&written).expect("it was read before");
            assert_eq!(one, two);
        }
    };
}

/// A packet of a stream, and the TPDU in it.
pub fn tpkt(octets: &[u8]) {
    if let Ok(Some(length)) = frame_len(octets) {
        assert!((7..=65535).contains(&length));
    }
    if let Ok(tpkt) = Tpkt::parse(octets) {
        let written = exactly(tpkt.encoded_len(), |buffer| tpkt.write(buffer));
        assert_eq!(Tpkt::parse(&written), Ok(tpkt));
        let _ = Data::parse_packet(octets);
    }
    let _ = Tpdu::parse_with(octets, Strictness::Tolerant);
    if let Ok(tpdu) = Tpdu::parse(octets) {
        let written = exactly(tpdu.encoded_len(), |buffer| tpdu.write(buffer));
        assert_eq!(Tpdu::parse(&written), Ok(tpdu));
    }
}

/// A connect PDU in BER.
pub fn mcs_connect(octets: &[u8]) {
    let Ok(pdu) = ConnectMcsPdu::parse(octets) else { return };
    let written = exactly(pdu.encoded_len(), |buffer| pdu.write(buffer));
    assert_eq!(ConnectMcsPdu::parse(&written), Ok(pdu));
}

/// A domain PDU of either version, and the fast way for those that carry data.
pub fn mcs_domain(octets: &[u8]) {
    aligned!(DomainMcsPdu<'_>, octets);
    aligned!(v3::DomainMcsPdu<'_>, octets);
    let Ok(data) = Data::parse(octets) else { return };
    let written = exactly(data.encoded_len(), |buffer| data.write(buffer));
    assert_eq!(Data::parse(&written), Ok(data));
    let slow = per::parse::<DomainMcsPdu<'_>>(octets).expect("the slow way reads it too");
    let slowly = exactly(per::encoded_len(&slow), |buffer| per::write(&slow, buffer));
    assert_eq!(written, slowly, "both ways write the same");
}

/// The PDUs of GCC.
pub fn gcc(octets: &[u8]) {
    aligned!(ConnectData<'_>, octets);
    // Of the two codings of SimpleTextString that are met the one that fits is taken, and another
    // one may fit once unknown extensions are gone: stable from the second time on.
    if let Some(written) = written::<ConnectGccPdu<'_>>(octets) {
        let again = written_again::<ConnectGccPdu<'_>>(&written);
        assert_eq!(again, written_again::<ConnectGccPdu<'_>>(&again));
    }
    if let Some(written) = written::<GccPdu<'_>>(octets) {
        let again = written_again::<GccPdu<'_>>(&written);
        assert_eq!(again, written_again::<GccPdu<'_>>(&again));
    }
}

/// The PDUs of application sharing.
pub fn sharing(octets: &[u8]) {
    aligned!(SharePdu<'_>, octets);
}

/// The PDUs of the whiteboard.
pub fn board_pdu(octets: &[u8]) {
    aligned!(SiPdu<'_>, octets);
}

/// A user of file transfer, to whom anybody may say anything.
pub fn file(octets: &[u8]) {
    aligned!(MbftPdu<'_>, octets);
    let mut config = file::Config::default();
    config.max_transfers = 4;
    let mut session = Session::growing(config, UserId::MIN);
    let mut script = Script::new(octets);
    let (mut now, mut buffer) = (Duration::ZERO, [0; 400]);
    for _ in 0..40 {
        now += Duration::from_secs(u64::from(script.octet()));
        let from = UserId::new(1001 + u16::from(script.octet() % 4)).expect("it is within bounds");
        let id = TransferId { sender: from, handle: u16::from(script.octet() % 8) };
        match script.octet() % 12 {
            0 => {
                let size = Some(u64::from(script.octet()));
                let (acknowledge, to) = (script.octet() & 1 == 1, None);
                let offer = Offer { name: b"name", size, to, acknowledge, request: None };
                let _ = session.offer(now, &offer, &mut buffer);
            }
            1 => drop(session.accept(id)),
            2 => drop(session.reject(id, file::pdu::RejectReason::FileExists)),
            3 => drop(session.abort(id, file::pdu::AbortReason::Unspecified)),
            4 => drop(session.send(id, b"name", b"octets", script.octet() & 1 == 1, &mut buffer)),
            5 => session.handle_left(from),
            6 => session.handle_timeout(now),
            _ => drop(session.handle_data(now, from, script.octets())),
        }
        while let Some(transmit) = session.poll_transmit(now, &mut buffer) {
            assert!(transmit.len <= Session::MAX_TRANSMIT_OCTETS, "longer than was said");
        }
        while session.poll_event().is_some() {}
        assert!(session.transfers().count() <= 4, "more than the limit");
        assert!(session.poll_timeout().is_none_or(|due| due <= now + Duration::from_secs(120)));
    }
    session.handle_timeout(now + Duration::from_secs(121));
    while session.poll_event().is_some() {}
    assert_eq!(session.poll_timeout(), None, "a timer that does not end");
}

/// What NetMeeting speaks: each packet alone, and the object manager's groups.
pub fn netmeeting(octets: &[u8]) {
    if let Ok(message) = ChatMessage::parse(octets) {
        let written = exactly(message.encoded_len(), |buffer| message.write(buffer));
        assert_eq!(ChatMessage::parse(&written), Ok(message));
    }
    if let Ok(pdu) = MsTextPdu::parse(octets) {
        let written = exactly(pdu.encoded_len(), |buffer| pdu.write(buffer));
        assert_eq!(MsTextPdu::parse(&written), Ok(pdu));
    }
    if let Ok(graphic) = Graphic::parse(octets) {
        let written = exactly(graphic.encoded_len(), |buffer| graphic.write(buffer));
        let again = Graphic::parse(&written).expect("what is written can be read");
        assert_eq!((again.data, again.header.rect), (graphic.data, graphic.header.rect));
        let _ = (graphic.points().count(), graphic.lines().count());
    }
    if let Ok(packet) = Packet::parse(octets) {
        let written = exactly(packet.encoded_len(), |buffer| packet.write(buffer));
        assert_eq!(Packet::parse(&written), Ok(packet));
        if let s20::Body::Data { data, .. } = packet.body
            && let Ok(payload) = Payload::parse(data.datatype, data.octets)
        {
            let mut buffer = vec![0; data.octets.len() + 64];
            let len = payload.write(&mut buffer).expect("it is not longer than what was read");
            assert_eq!(Payload::parse(payload.datatype(), &buffer[..len]), Ok(payload));
            let _ = payload.input_events().count();
            if let Payload::Windows(list) = payload {
                let _ = (list.iter().count(), list.titles().count(), list.shapes());
            }
        }
    }
    let mut script = Script::new(octets);
    let (mut group, mut assembly) = (Group::growing(2, 1001, 4000), Assembly::growing(600));
    let mut lock = Lock::new(2, 1, 1001);
    let registration = ObmanId { sequence: 1, creator: 1001 };
    let (mut joiner, _) = Joiner::new(1001, 2, registration);
    let mut buffer = [0; 400];
    for _ in 0..40 {
        let octets = script.octets();
        if let Ok(message) = Message::parse(octets) {
            let written = exactly(message.encoded_len(), |buffer| message.write(buffer));
            assert_eq!(Message::parse(&written), Ok(message));
            let _ = (lock.handle(&message), joiner.handle(&message));
            if let Some(mut state) = CatchUp::new(&message) {
                while let Ok(Some(len)) = group.catch_up(&mut state, &mut buffer) {
                    assert!(Message::parse(&buffer[..len]).is_ok(), "what is written can be read");
                }
            }
        }
        let _ = assembly.handle(1, octets, |message| group.handle(message));
        let _ = group.objects(script.octet()).count();
    }
}

/// What is read, written; nothing where nothing can be read.
fn written<'a, T: per::Value<'a>>(octets: &'a [u8]) -> Option<Vec<u8>> {
    let pdu = per::parse::<T>(octets).ok()?;
    let mut written = vec![0; per::encoded_len(&pdu)];
    match per::write(&pdu, &mut written) {
        Ok(len) => assert_eq!(len, written.len(), "another length was announced"),
        // A list so long that it would need fragments is read, and not written.
        Err(WriteError::Value(_)) => return None,
        Err(error) => panic!("{error}"),
    }
    Some(written)
}

fn written_again<'a, T: per::Value<'a>>(octets: &'a [u8]) -> Vec<u8> {
    written::<T>(octets).expect("what is written can be read")
}

/// A node that hosts a conference, and one that joins it; little storage.
pub fn node(octets: &[u8]) {
    let mut storages = [const { Storage::<2, 6, 12, 4096>::new() }; 2];
    let mut nodes = storages.each_mut().map(|storage| {
        let conference = Conference::new(config(), storage, [1; 32]).expect("it is enough");
        Node::new(conference)
    });
    let [a, b] = &mut nodes;
    let wires: Wires<'_> = &[&[Some((1, 0))], &[Some((0, 0))]];
    drive(&mut [a, b], wires, octets);
}

/// Three nodes, one below the other, that have met before the script begins.
pub fn provider(octets: &[u8]) {
    let mut nodes = [1, 2, 3].map(|seed| {
        Node::new(Conference::growing(config(), [seed; 32]).expect("the limits are good"))
    });
    let [top, middle, low] = &mut nodes;
    let now = Duration::ZERO;
    top.conference.host("1").expect("a name");
    top.conference.accept(now, Connection(0)).expect("a connection");
    middle.conference.join(now, Connection(0), "1").expect("a connection");
    let _ = middle.conference.accept(now, Connection(1));
    let _ = low.conference.join(now, Connection(0), "1");
    let wires: Wires<'_> = &[&[Some((1, 0))], &[Some((0, 0)), Some((2, 0))], &[Some((1, 1))]];
    // The network is good at first.
    let mut script = [0u8; 24].to_vec();
    script.extend_from_slice(octets);
    drive(&mut [top, middle, low], wires, &script);
}

/// A provider in the middle of a tree, with one above and two below, or the one at its top: any
/// PDUs on any of its connections, and calls of its host between them.
pub fn domain(octets: &[u8]) {
    let mut script = Script::new(octets);
    let mut nodes = [1, 2, 3, 4].map(|seed| {
        Node::new(Conference::growing(roomy(), [seed; 32]).expect("the limits are good"))
    });
    let now = Duration::ZERO;
    // Top, middle, and two below it.
    let wires = [((0, 0), (1, 0)), ((1, 1), (2, 0)), ((1, 2), (3, 0))];
    nodes[0].conference.host("1").expect("a name");
    for ((above, at), (below, from)) in wires {
        nodes[above].conference.accept(now, Connection(at)).expect("there is room");
        nodes[below].conference.join(now, Connection(from), "1").expect("it is in none");
        meet(&mut nodes, &wires);
    }
    let place = script.below(2);
    let node = &mut nodes[place];
    let _ = node.conference.attach_user(1);
    let mut buffer = vec![0; 8192];
    while script.more() {
        let connection = Connection(script.below(3) as u16);
        match script.octet() % 16 {
            0 | 1 => drop(node.call(now, &mut script)),
            2 => drop(node.conference.pause(connection)),
            3 => drop(node.conference.resume(connection)),
            4 => node.conference.handle_timeout(Duration::from_secs(script.octet().into())),
            _ => {
                let pdu = script.octets();
                let pdu = pdu.get(..1000).unwrap_or(pdu);
                let mut packet = vec![3, 0];
                packet.extend_from_slice(&(pdu.len() as u16 + 7).to_be_bytes());
                packet.extend_from_slice(&[2, 0xf0, 0x80]);
                packet.extend_from_slice(pdu);
                if node.conference.handle_stream(now, connection, &packet).is_err() {
                    node.conference.handle_closed(now, connection);
                }
            }
        }
        while node.conference.poll_transmit(now, &mut buffer).is_some() {}
        while node.conference.poll_event().is_some() {}
        let _ = (node.conference.received(), node.conference.received_gcc());
        let _ = (node.conference.roster().count(), node.conference.applications().count());
    }
}

/// Carries everything to and fro until nothing moves.
fn meet(nodes: &mut [Node<'_>; 4], wires: &[((usize, u16), (usize, u16))]) {
    let mut buffer = vec![0; 8192];
    let mut busy = true;
    while busy {
        busy = false;
        for number in 0..nodes.len() {
            while let Some(sent) =
                nodes[number].conference.poll_transmit(Duration::ZERO, &mut buffer)
            {
                let from = (number, sent.connection.0);
                let to = wires.iter().find_map(|(a, b)| match from {
                    from if from == *a => Some(*b),
                    from if from == *b => Some(*a),
                    _ => None,
                });
                if let Some((to, connection)) = to {
                    let octets = &buffer[..sent.len];
                    let to = &mut nodes[to].conference;
                    to.handle_stream(Duration::ZERO, Connection(connection), octets)
                        .expect("they understand each other");
                    busy = true;
                }
            }
            while nodes[number].conference.poll_event().is_some() {}
        }
    }
}

fn roomy() -> Config {
    let mut config = config();
    config.max_users = 16;
    config.max_channels = 32;
    config.max_connections = 4;
    config.max_tokens = 4;
    config.max_nodes = 8;
    config
}

/// Two nodes whose whiteboards are ready, as soon as the network has let them.
pub fn whiteboard(octets: &[u8]) {
    let mut nodes = [1, 2].map(|seed| {
        Node::new(Conference::growing(config(), [seed; 32]).expect("the limits are good"))
    });
    let [a, b] = &mut nodes;
    let now = Duration::ZERO;
    a.conference.host("1").expect("a name");
    a.conference.accept(now, Connection(0)).expect("a connection");
    b.conference.join(now, Connection(0), "1").expect("a connection");
    let wires: Wires<'_> = &[&[Some((1, 0))], &[Some((0, 0))]];
    let mut script = [0u8; 24].to_vec();
    script.extend_from_slice(octets);
    drive(&mut [a, b], wires, &script);
}

fn config() -> Config {
    let mut config = Config::new("Fuzz").expect("a short name");
    config.max_users = 6;
    config.max_channels = 12;
    config.max_pdu_octets = 1024;
    config.max_packet_octets = 2048;
    config.max_connections = 2;
    config.max_nodes = 4;
    config.max_board_octets = 4096;
    config.max_queued_octets = 8192;
    config
}

/// A node with the octets of its streams that were not used yet.
struct Node<'s> {
    conference: Conference<'s>,
    unread: [VecDeque<u8>; 2],
    objects: VecDeque<ObjectId>,
}

impl<'s> Node<'s> {
    fn new(conference: Conference<'s>) -> Self {
        Self { conference, unread: [const { VecDeque::new() }; 2], objects: VecDeque::new() }
    }

    fn note(&mut self, now: Duration, event: &Event) {
        if let Event::Disconnected { connection, .. } = event {
            self.close(now, *connection);
        }
    }

    fn close(&mut self, now: Duration, connection: Connection) {
        self.unread[usize::from(connection.0) % 2].clear();
        self.conference.handle_closed(now, connection);
    }

    fn draw(&mut self, script: &mut Script<'_>) {
        let mut point = || {
            let (x, y) = (script.short(), script.short());
            Point::new(i32::from(x.cast_signed()), i32::from(y.cast_signed()))
        };
        let (from, to) = (point(), point());
        let points = [from, to, point(), from];
        let letters = String::from_utf8_lossy(script.octets()).into_owned();
        let shape = match script.octet() % 5 {
            0 => Shape::Line { from, to },
            1 => Shape::Rectangle { from, to },
            2 => Shape::Ellipse { from, to },
            3 => match Text::new(&letters) {
                Some(text) => Shape::Text { at: from, height: script.short(), text },
                None => return,
            },
            _ => Shape::Freehand(Points::from(&points[..])),
        };
        let mut pen = Pen::default();
        pen.thickness = script.octet();
        let fill = (script.octet() & 1 == 1).then_some(Color::BLACK);
        if let Ok(object) = self.conference.draw(shape, pen, fill) {
            self.objects.push_back(object);
            if self.objects.len() > 4 {
                self.objects.pop_front();
            }
        }
    }
}

impl Machine for Node<'_> {
    fn handle(&mut self, now: Duration, peer: usize, octets: &[u8]) {
        let place = peer % 2;
        let connection = Connection(u16::from(place == 1));
        self.unread[place].extend(octets);
        loop {
            let unread = self.unread[place].make_contiguous();
            match self.conference.handle_stream(now, connection, unread) {
                Ok((used, event)) => {
                    assert!(used <= self.unread[place].len(), "more was used than there is");
                    self.unread[place].drain(..used);
                    if let Some(event) = event {
                        self.note(now, &event);
                    }
                    if used == 0 {
                        break;
                    }
                }
                Err(_) => {
                    self.close(now, connection);
                    break;
                }
            }
        }
        assert!(self.unread[place].len() <= 2048, "it waits for more than a packet");
    }

    fn closed(&mut self, now: Duration, peer: usize) {
        self.close(now, Connection(u16::from(peer % 2 == 1)));
    }

    fn timeout(&mut self, now: Duration) {
        self.conference.handle_timeout(now);
    }

    fn transmit(&mut self, now: Duration, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let sent = self.conference.poll_transmit(now, buffer)?;
        assert!(sent.len <= self.conference.transmit_len(), "longer than was said");
        Some((usize::from(sent.connection.0), sent.len))
    }

    fn event(&mut self) -> bool {
        let event = self.conference.poll_event();
        if let Some(event) = &event {
            self.note(Duration::ZERO, event);
        }
        event.is_some()
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.conference.poll_timeout()
    }

    fn call(&mut self, now: Duration, script: &mut Script<'_>) -> Vec<(usize, Vec<u8>)> {
        let choice = script.octet();
        let connection = Connection(u16::from(choice >> 7));
        let users: Vec<UserId> = self.conference.roster().map(|node| node.id).collect();
        let user = match script.octet() {
            // A user of its own has a number near none of the roster's.
            255 => UserId::new(script.short()).unwrap_or(UserId::MIN),
            at => users.get(usize::from(at) % users.len().max(1)).copied().unwrap_or(UserId::MIN),
        };
        let token = TokenId::new(u16::from(choice >> 5) + 1).expect("1 and more");
        let channel = ChannelId::from_number(script.short());
        let private = PrivateChannelId::new(channel.value());
        match choice % 32 {
            16 => drop(self.conference.attach_user(script.short())),
            17 => drop(self.conference.join_channel(user, channel)),
            18 => drop(self.conference.leave_channel(user, channel)),
            19 => drop(self.conference.convene_channel(user)),
            20 => {
                if let Some(private) = private {
                    let _ = self.conference.admit_to_channel(user, private, &users);
                    let _ = self.conference.expel_from_channel(user, private, &users);
                    let _ = self.conference.disband_channel(user, private);
                }
            }
            21 => drop(self.conference.grab_token(user, token)),
            22 => drop(self.conference.give_token(user, token, user)),
            23 => drop(self.conference.answer_token(user, token, choice >= 128)),
            24 => {
                let data = script.octets();
                let priority = DataPriority::Medium;
                let uniform = choice >= 128;
                let _ = self.conference.send_data(user, channel, priority, uniform, data);
            }
            25 => drop(self.conference.assign_conductor()),
            26 => drop(self.conference.lock()),
            27 => drop(self.conference.eject(user)),
            28 => drop(self.conference.send_text("text", Some(user))),
            29 => drop(self.conference.answer_invitation(choice >= 128)),
            30 => drop(self.conference.allocate_handles(EntityId::MIN, script.short())),
            0 => drop(self.conference.host("1")),
            1 => drop(self.conference.accept(now, connection)),
            2 => drop(self.conference.join(now, connection, "1")),
            3 => drop(self.conference.create(now, connection, "2")),
            4 => drop(self.conference.leave()),
            5 | 6 => {
                let object = self.objects.get(script.below(self.objects.len())).copied();
                let _ = self.conference.delete(object.unwrap_or(ObjectId(script.long())));
            }
            7 => drop(self.conference.restore(script.octets())),
            8 => {
                let object = self.objects.get(script.below(self.objects.len())).copied();
                let place = |script: &mut Script<'_>| {
                    let (x, y) = (script.short().cast_signed(), script.short().cast_signed());
                    Point::new(i32::from(x), i32::from(y))
                };
                let (at, point, what) = (place(script), [place(script)], script.octet());
                let is = |bit: u8| what & bit != 0;
                let edit = Edit {
                    at: is(1).then_some(at),
                    points: is(2).then(|| (u16::from(what >> 4), point[..].into())),
                    order: is(4).then_some(if is(8) { ZOrder::Front } else { ZOrder::Back }),
                    pen: is(16).then(Pen::default),
                    view: is(32).then_some(ViewState::Hidden),
                    ..Edit::default()
                };
                let _ = self.conference.edit(object.unwrap_or(ObjectId(script.long())), &edit);
            }
            9 => {
                let at = Point::new(i32::from(script.octet()), 0);
                let _ = self.conference.show_pointer(PageId::FIRST, at, Color::BLACK);
            }
            10 => drop(self.conference.create_page(&PageSetup::default())),
            11 => drop(self.conference.delete_page(PageId(script.long()))),
            _ => self.draw(script),
        }
        let _ = (self.conference.roster().count(), self.conference.board().len());
        let _ = (self.conference.board().objects().count(), self.conference.board().digest());
        Vec::new()
    }
}
