use super::*;
use crate::packet::Csrcs;
use crate::{NtpTime, Ssrc};
use alloc::vec;
use alloc::vec::Vec;
use handset_testkit::{Random, seeds};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0x0102_0304),
    fraction_lost: 25,
    cumulative_lost: -2,
    highest_sequence: 0x0001_ffff,
    jitter: 77,
    last_sr: 0xb705_2000,
    delay_since_last_sr: 0x0005_4000,
};

#[test]
fn padding_that_is_not_whole_words_is_refused() {
    // Payload-specific feedback of an unknown format, with four octets of its own.
    let mut octets = [0xa0, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4];
    assert!(Raw::parse_prefix(&octets).is_ok());
    for count in [0, 1, 2, 3, 5, 6, 7, 20] {
        octets[19] = count;
        let refused = ParseError::new(Fault::Padding, 19);
        assert_eq!(Raw::parse_prefix(&octets).map(|_| ()), Err(refused), "{count}");
    }
}

#[test]
fn a_sender_report_with_a_description_is_written_and_read() {
    let report = SenderReport {
        ssrc: Ssrc(9),
        info: SenderInfo {
            ntp: NtpTime(0xb44d_b705_2000_0000),
            rtp_timestamp: 160,
            packet_count: 3,
            octet_count: 480,
        },
        blocks: ReportBlocks::from(&[BLOCK]),
        profile: &[],
    };
    let items = [
        Item { item_type: ItemType::Cname, value: b"alice@host" },
        Item { item_type: ItemType::Tool, value: b"t" },
    ];
    let chunks = [Chunk { ssrc: Ssrc(9), items: Items::from(&items) }];
    let description = SourceDescription { chunks: Chunks::from(&chunks) };

    let mut buffer = [0xff; 256];
    let first = report.write(&mut buffer).unwrap();
    assert_eq!(first, 52);
    assert_eq!(buffer[..4], [0x81, 200, 0, 12]);
    assert_eq!(buffer[28..36], [1, 2, 3, 4, 25, 0xff, 0xff, 0xfe]);
    let second = description.write(&mut buffer[first..]).unwrap();
    assert_eq!(second, 4 + 4 + 16);
    assert_eq!(buffer[first..first + 4], [0x81, 202, 0, 5]);
    assert_eq!(buffer[first + second - 1], 0);

    let compound = Compound::parse(&buffer[..first + second]).unwrap();
    compound.check().unwrap();
    let packets: Vec<_> = compound.packets().map(Result::unwrap).collect();
    assert_eq!(packets, [Packet::SenderReport(report), Packet::SourceDescription(description)]);
}

#[test]
fn a_chunk_that_ends_on_a_word_gets_a_whole_word_of_zeros() {
    // RFC 3550 section 6.5: at least one zero ends the items, also where they fill the words.
    let items = [Item { item_type: ItemType::Cname, value: b"ab" }];
    let chunks = [Chunk { ssrc: Ssrc(1), items: Items::from(&items) }; 2];
    let mut buffer = [0xff; 64];
    let len = SourceDescription { chunks: Chunks::from(&chunks) }.write(&mut buffer).unwrap();
    assert_eq!(
        buffer[..len],
        [
            0x82, 202, 0, 6, 0, 0, 0, 1, 1, 2, b'a', b'b', 0, 0, 0, 0, //
            0, 0, 0, 1, 1, 2, b'a', b'b', 0, 0, 0, 0
        ]
    );
    let parsed = SourceDescription::parse(&buffer[..len]).unwrap();
    assert_eq!(parsed.chunks.iter().filter_map(|chunk| chunk.cname()).count(), 2);
}

#[test]
fn a_goodbye_carries_sources_and_reason() {
    let goodbye = Goodbye { sources: Csrcs::from(&[Ssrc(1), Ssrc(2)]), reason: b"camera" };
    let mut buffer = [0xff; 64];
    let len = goodbye.write(&mut buffer).unwrap();
    assert_eq!(
        buffer[..len],
        [0x82, 203, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 6, b'c', b'a', b'm', b'e', b'r', b'a', 0]
    );
    assert_eq!(Goodbye::parse(&buffer[..len]), Ok(goodbye));
    let silent = Goodbye { reason: b"", ..goodbye };
    assert_eq!(silent.encoded_len(), 12);
}

#[test]
fn an_application_packet_is_filled_up_to_words() {
    let packet = Application { subtype: 3, ssrc: Ssrc(7), name: *b"test", data: &[1, 2, 3] };
    let mut buffer = [0xff; 32];
    let len = packet.write(&mut buffer).unwrap();
    assert_eq!(buffer[..len], [0x83, 204, 0, 3, 0, 0, 0, 7, b't', b'e', b's', b't', 1, 2, 3, 0]);
    let parsed = Application::parse(&buffer[..len]).unwrap();
    assert_eq!(parsed, Application { data: &[1, 2, 3, 0], ..packet });
}

#[test]
fn messenger_era_liberties_are_read() {
    // A lone description, its text ended by a NUL that the length counts.
    let lone = [0x81, 202, 0, 3, 0, 0, 0, 1, 1, 4, b'a', b'@', b'b', 0, 0, 0];
    let compound = Compound::parse(&lone).unwrap();
    assert_eq!(compound.check(), Err(ParseError { what: Fault::PacketType, at: 1 }));
    let Packet::SourceDescription(description) = compound.packets().next().unwrap().unwrap() else {
        panic!("a description");
    };
    assert_eq!(description.chunks.iter().next().unwrap().cname(), Some(&b"a@b"[..]));

    // The same with a NUL that the length does not count.
    let uncounted = [0x81, 202, 0, 3, 0, 0, 0, 1, 1, 3, b'a', b'@', b'b', 0, 0, 0];
    let description = SourceDescription::parse(&uncounted).unwrap();
    assert_eq!(description.chunks.iter().next().unwrap().cname(), Some(&b"a@b"[..]));

    // A private item that is plain text.
    let item = Item { item_type: ItemType::Private, value: b"note" };
    assert_eq!(item.private(), None);
    let item = Item { item_type: ItemType::Private, value: b"\x01note" };
    assert_eq!(item.private(), Some((&b"n"[..], &b"ote"[..])));

    // A bandwidth estimate behind a report, before it one that nobody knows.
    let estimate = BandwidthEstimate { ssrc: Ssrc(1), bits_per_second: Some(90_000_000) };
    assert_eq!(estimate.to_octets(), [0, 1, 0, 12, 0, 0, 0, 1, 0x05, 0x5d, 0x4a, 0x80]);
    let none = BandwidthEstimate { ssrc: Ssrc(1), bits_per_second: None };
    assert_eq!(none.to_octets()[8..], [0xff, 0xff, 0xff, 0xfd]);
    let mut profile = vec![0x12, 0x34, 0, 8, 9, 9, 9, 9];
    profile.extend(estimate.to_octets());
    let report = ReceiverReport { profile: &profile, ..ReceiverReport::default() };
    let mut buffer = [0; 64];
    let len = report.write(&mut buffer).unwrap();
    let report = ReceiverReport::parse(&buffer[..len]).unwrap();
    let found: Vec<_> = report.profile_blocks().filter_map(|block| block.bandwidth()).collect();
    assert_eq!(found, [estimate]);
    assert_eq!(report.profile_blocks().count(), 2);
}

#[test]
fn each_fault_is_named_with_its_place() {
    let table: [(&[u8], Fault, usize); 11] = [
        (&[], Fault::Truncated, 0),
        (&[0x80, 201, 0], Fault::Truncated, 3),
        (&[0x40, 201, 0, 1, 0, 0, 0, 1], Fault::Version, 0),
        (&[0x80, 201, 0, 2, 0, 0, 0, 1], Fault::Truncated, 8),
        // The second packet is of another version.
        (&[0x80, 201, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], Fault::Version, 8),
        // Padding in the first of two packets.
        (&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 201, 0, 0], Fault::Padding, 0),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 1], Fault::Padding, 7),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 9], Fault::Padding, 7),
        // One block is promised, none is there.
        (&[0x81, 201, 0, 1, 0, 0, 0, 1], Fault::Length, 8),
        // An item runs over the end of its packet.
        (&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 0, 0], Fault::Length, 12),
        // A reason runs over the end.
        (&[0x81, 203, 0, 2, 0, 0, 0, 1, 4, 0, 0, 0], Fault::Length, 12),
    ];
    for (octets, what, at) in table {
        let result = Compound::parse(octets)
            .and_then(|compound| compound.packets().collect::<Result<Vec<_>, _>>());
        assert_eq!(result, Err(ParseError { what, at }), "{octets:x?}");
    }
}

#[test]
fn a_broken_packet_does_not_hide_the_next() {
    let octets = [0x81, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 1];
    let packets: Vec<_> = Compound::parse(&octets).unwrap().packets().collect();
    assert_eq!(packets[0], Err(ParseError { what: Fault::Length, at: 8 }));
    assert!(matches!(packets[1], Ok(Packet::Goodbye(_))));
}

#[test]
fn buffers_too_small_are_refused_with_what_is_needed() {
    let report = ReceiverReport { blocks: ReportBlocks::from(&[BLOCK]), ..Default::default() };
    assert_eq!(report.write(&mut [0; 31]), Err(BufferTooSmall { needed: 32 }));
}

#[test]
fn whatever_is_read_is_written_to_the_same_meaning() {
    seeds(5000, |seed| {
        let mut random = Random::new(seed);
        let len = 4 * (1 + random.below(12) as usize);
        let mut octets = random.octets(len);
        octets[0] = 0x80 | (octets[0] & 0x23);
        octets[1] = 199 + (octets[1] % 10);
        octets[2..4].copy_from_slice(&((len as u16 / 4) - 1).to_be_bytes());
        for octet in octets.iter_mut().skip(8) {
            *octet %= 12;
        }
        let Ok((raw, _)) = Raw::parse_prefix(&octets) else { return };
        let Ok(packet) = Packet::parse(raw) else { return };
        let mut buffer = vec![0; packet.encoded_len()];
        assert_eq!(packet.write(&mut buffer), Ok(buffer.len()));
        let again = Compound::parse(&buffer).unwrap().packets().next().unwrap().unwrap();
        // Padding is not written; a body that it cut within a word is filled up.
        assert!(again == packet || raw.padding != 0, "{packet:?}");
    });
}
