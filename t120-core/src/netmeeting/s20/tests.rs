use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::netmeeting::Rect16;

const CORRELATOR: Correlator = Correlator { creator: 1007, number: 3 };

fn written(packet: &Packet<'_>) -> Vec<u8> {
    let mut octets = vec![0xee; packet.encoded_len()];
    assert_eq!(packet.write(&mut octets), Ok(octets.len()));
    assert!(packet.write(&mut vec![0; octets.len() - 1]).is_err());
    octets
}

#[test]
fn every_packet_has_its_octets_and_comes_back() {
    let (correlator, name) = (CORRELATOR, &b"Anna"[..]);
    let caps = Caps::bitmaps_only(1001, 800, 600);
    let octets = &b"data"[..];
    let data = Data { stream: 1, datatype: 2, compression_type: 0, uncompressed: 4, octets };
    for (body, len) in [
        (Body::Create { correlator, name, caps }, 14 + 5 + 204),
        (Body::Join { name, caps }, 10 + 5 + 204),
        (Body::Respond { correlator, originator: 1002, name, caps }, 16 + 5 + 204),
        (Body::Delete { correlator, target: 1003 }, 15),
        (Body::Leave { correlator }, 10),
        (Body::End { correlator }, 13),
        (Body::Collision { correlator }, 10),
        (Body::Data { correlator, data }, 20),
    ] {
        let packet = Packet { user: 1001, body };
        let octets = written(&packet);
        assert_eq!(octets.len(), len, "{body:?}");
        assert_eq!(Packet::parse(&octets), Ok(packet));
        assert!(Packet::parse(&octets[..len - 1]).is_err(), "{body:?}");
    }
    let octets = written(&Packet { user: 1001, body: Body::Leave { correlator } });
    assert_eq!(octets, [10, 0, 0x35, 0, 0xe9, 3, 0xef, 3, 3, 0]);
    assert_eq!(Packet::parse(&[0, 0x80, 1, 2]).unwrap().body, Body::Flow);
}

#[test]
fn data_of_nobody_are_refused() {
    let data = Data { stream: 1, datatype: 2, compression_type: 0, uncompressed: 0, octets: b"" };
    for (user, is_somebody) in [(0, false), (0x36, false), (1000, false), (1001, true)] {
        let body = Body::Data { correlator: CORRELATOR, data };
        let octets = written(&Packet { user, body });
        assert_eq!(Packet::parse(&octets).is_ok(), is_somebody, "{user}");
        let with_length = [&[18, 0][..], &octets].concat();
        assert_eq!(Packet::parse(&with_length).is_ok(), is_somebody, "{user}");
    }
}

#[test]
fn data_are_read_with_and_without_a_length_before_them() {
    let octets = &[1, 0, 0xff, 0xff][..];
    let data = Data { stream: 2, datatype: 0x19, compression_type: 0, uncompressed: 4, octets };
    let packet = Packet { user: 1001, body: Body::Data { correlator: CORRELATOR, data } };
    let plain = written(&packet);
    assert_eq!(plain[..4], [0x37, 0, 0xe9, 3]);
    let with_length = [&[22, 0][..], &plain].concat();
    assert_eq!(Packet::parse(&with_length), Ok(packet));
    let desktop = Payload::Hosting { state: 0xffff, version_3: false };
    assert_eq!(Payload::parse(data.datatype, data.octets), Ok(desktop));
    let compressed = Data { compression_type: 1, uncompressed: 500, ..data };
    let packet =
        Packet { user: 1001, body: Body::Data { correlator: CORRELATOR, data: compressed } };
    assert_eq!(Packet::parse(&written(&packet)), Ok(packet));
}

#[test]
fn capabilities_stand_where_the_document_says() {
    let mut octets = [0; Caps::SIZE];
    Caps::bitmaps_only(1001, 800, 600).write(&mut octets).unwrap();
    let starts = [
        (4, 1, 24),
        (28, 2, 28),
        (56, 3, 84),
        (140, 4, 40),
        (180, 8, 8),
        (188, 10, 8),
        (196, 9, 8),
    ];
    for (at, id, size) in starts {
        assert_eq!((octets[at], octets[at + 2]), (id, size));
    }
    assert_eq!(octets[0], 7);
    assert_eq!(octets[28 + 12..28 + 16], [0x20, 3, 0x58, 2]);
    assert_eq!(octets[56 + 36..56 + 42], [0, 0, 0, 1, 1, 0]);
    assert_eq!(octets[140 + 28..140 + 30], [0xff, 0x7f]);
}

#[test]
fn every_payload_comes_back() {
    let place = Rect16 { left: 0, top: 1, right: 63, bottom: 64 };
    let window = Window { id: 9, extra: 1, owner: 0, flags: 0x1_0004, position: place };
    let mut windows = [0; 2 * Window::SIZE];
    window.write(&mut windows).unwrap();
    let mut list = WindowList::new(&windows, b"A window\0\xff\0");
    list.token = 4;
    let event = InputEvent { time_ms: 5, kind: 0x8001, flags: 0x9000, first: 7, second: 8 };
    let mut events = [0; InputEvent::SIZE];
    event.write(&mut events).unwrap();
    let (hot, size) = ((1, 2), (16, 16));
    let bitmap = BitmapUpdate {
        place,
        width: 64,
        height: 64,
        bits_per_pixel: 8,
        compressed: false,
        octets: b"pixels",
    };
    let payloads = [
        Payload::Update(Update::Orders { count: 1, bits_per_pixel: 8, octets: b"order" }),
        Payload::Update(Update::Bitmap(bitmap)),
        Payload::Update(Update::Palette(b"rgbRGB")),
        Payload::Update(Update::Synchronize),
        Payload::Fonts(FontList::new(&[7; 100])),
        Payload::Control(Control { message: 2, first: 1001, second: 5 }),
        Payload::Control30(Control30::Take { viewer: 1 }),
        Payload::Control30(Control30::TakeReply { viewer: 1, result: 0, host: 2 }),
        Payload::Control30(Control30::Give { host: 2, passed_by: 0 }),
        Payload::Control30(Control30::GiveReply { host: 2, passed_by: 0, result: 3, viewer: 1 }),
        Payload::Control30(Control30::Pass { viewer: 1, host: 2, to: 1003 }),
        Payload::Control30(Control30::Inform { message: 0x8002, viewer: 1, host: 2 }),
        Payload::Hosting { state: 1, version_3: true },
        Payload::ActiveWindow(ActiveWindow { message: 0x8001, reserved: 0xffff, window: 9 }),
        Payload::Windows(list),
        Payload::Cursor(Cursor::Id(0x7f00)),
        Payload::Cursor(Cursor::Mono { hot, size, masks: b"masks" }),
        Payload::Cursor(Cursor::Move { always: true, to: (-4, 900) }),
        Payload::Cursor(Cursor::Color { index: 1, hot, size, xor: b"xor", and: b"a" }),
        Payload::Cursor(Cursor::Cached(3)),
        Payload::Input(&events),
        Payload::Synchronize(1002),
    ];
    for payload in payloads {
        let mut octets = [0xee; 200];
        let len = payload.write(&mut octets).unwrap();
        let read = Payload::parse(payload.datatype(), &octets[..len]);
        assert_eq!(read, Ok(payload));
        assert!(payload.write(&mut octets[..len - 1]).is_err());
        assert!([1, 2, 4].contains(&payload.stream()));
    }
    assert!(list.titles().eq([Some(&b"A window"[..]), None]));
    assert!(list.iter().next() == Some(window) && list.shapes().is_none());
    assert!(Payload::Input(&events).input_events().eq([event]));
    assert!(Payload::parse(0x77, &[]).is_err());
}
