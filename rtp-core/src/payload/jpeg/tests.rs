use super::*;
use crate::payload::tests::{self, Network, packetize};
use alloc::vec::Vec;

/// An image as an encoder makes it; every interval of its scan is `interval` octets long.
fn image(sampling: Sampling, intervals: usize, octets: usize) -> Vec<u8> {
    let mut image = Vec::new();
    let tables: [u8; 128] = core::array::from_fn(|n| n as u8 + 1);
    let restart = if intervals > 1 { 4 } else { 0 };
    image::write_headers(&tables, sampling, (320, 240), restart, |part| {
        image.extend(part);
        Ok(())
    })
    .expect("a vector takes all");
    for interval in 0..intervals {
        image.extend((0..octets).map(|n| ((interval * 50 + n) % 250) as u8));
        if interval + 1 < intervals {
            image.extend([0xff, 0xd0 | (interval as u8 & 7)]);
        }
    }
    image.extend(image::END);
    image
}

#[test]
fn payloads_are_read_and_written() {
    let tables = [9; 128];
    let mut with_tables = alloc::vec![0, 0, 0, 0, 1, 255, 40, 30, 0, 0, 0, 128];
    with_tables.extend(tables);
    with_tables.extend([1, 2]);
    let rows: [&[u8]; 4] = [
        &[0, 0, 4, 0, 1, 50, 40, 30, 7],
        &[1, 0, 0, 0, 64, 50, 40, 30, 0, 4, 0xc0, 5, 7],
        &[0, 0, 0, 0, 0, 128, 40, 30, 0, 0, 0, 0, 7],
        &with_tables,
    ];
    for octets in rows {
        let payload = Payload::parse(octets).expect("it is whole");
        assert_eq!(payload.size, (320, 240));
        let mut buffer = [0; 200];
        assert_eq!(payload.write(&mut buffer), Ok(octets.len()));
        assert_eq!(&buffer[..octets.len()], octets);
        assert!(payload.write(&mut buffer[..octets.len() - 1]).is_err());
    }
}

#[test]
fn malformed_payloads_are_refused() {
    let bad: [&[u8]; 6] = [
        &[0; 7],
        &[0, 0, 0, 0, 1, 50, 0, 30, 7],
        &[0, 0, 0, 0, 64, 50, 40, 30, 0],
        &[0, 0, 0, 0, 1, 255, 40, 30, 0, 0, 0],
        &[0, 0, 0, 0, 1, 255, 40, 30, 0, 0, 0, 2, 1, 1, 1],
        &[0, 0, 0, 0, 1, 255, 40, 30, 0, 1, 0, 0, 1],
    ];
    for payload in bad {
        assert!(Payload::parse(payload).is_err(), "{payload:?}");
    }
}

#[test]
fn images_come_back_as_they_were_at_any_limit() {
    for sampling in [Sampling::Columns, Sampling::ColumnsAndRows] {
        for intervals in [1, 12] {
            let image = image(sampling, intervals, 300);
            for limit in [150, 200, 400, 1000, 9000] {
                let (mut packetizer, mut depacketizer) = (Packetizer::new(), Depacketizer::new());
                tests::comes_back(&mut packetizer, &mut depacketizer, &image, limit);
            }
        }
    }
}

#[test]
fn payloads_have_whole_restart_intervals_where_they_fit() {
    let all = packetize(&mut Packetizer::new(), 0, &image(Sampling::Columns, 12, 100), 350);
    let restarts: Vec<_> = all
        .iter()
        .map(|(_, octets)| Payload::parse(octets).expect("good").restart.expect("type 64"))
        .collect();
    assert!(restarts.iter().all(|restart| restart.first && restart.last && restart.interval == 4));
    // Two in the first, beside the tables; then three.
    let counts: Vec<_> = restarts.iter().map(|restart| restart.count).collect();
    assert_eq!(counts, [0, 2, 5, 8, 11]);
    // Longer ones than a payload are cut, and those between them begin none.
    let all = packetize(&mut Packetizer::new(), 0, &image(Sampling::Columns, 2, 300), 212);
    let flags: Vec<_> = all
        .iter()
        .map(|(_, octets)| Payload::parse(octets).expect("good").restart.expect("type 64"))
        .map(|restart| (restart.first, restart.last, restart.count))
        .collect();
    assert_eq!(
        flags,
        [(true, false, 0), (false, false, 0), (false, true, 0), (true, false, 1), (false, true, 1)]
    );
}

#[test]
fn behind_a_gap_an_image_goes_on_with_the_next_interval() {
    let image = image(Sampling::Columns, 12, 100);
    let all = packetize(&mut Packetizer::new(), 0, &image, 350);
    let mut network = Network::new(Depacketizer::new());
    network.send_without(&all, &[2]);
    let (frame, octets) = &network.frames[0];
    assert!(!frame.whole && frame.lost == 1);
    // Intervals 5 to 7 are missing; the marker before the eighth says which one comes.
    let begin = image.len() - 2 - (12 * 100 + 11 * 2);
    let expected = [&image[..begin + 5 * 102], &[0xff, 0xd7], &image[begin + 8 * 102..]].concat();
    assert_eq!(octets[..], expected);
}

#[test]
fn without_restart_markers_what_stands_before_a_gap_is_kept() {
    let image = image(Sampling::ColumnsAndRows, 1, 1000);
    let all = packetize(&mut Packetizer::new(), 0, &image, 340);
    for missing in 0..all.len() {
        let mut network = Network::new(Depacketizer::new());
        network.send_without(&all, &[missing]);
        network.send_without(&packetize(&mut Packetizer::new(), 1, &image, 340), &[]);
        let kept = usize::from(missing > 0);
        assert_eq!(network.frames.len(), kept + 1, "{missing}");
        if kept == 1 {
            let (frame, octets) = &network.frames[0];
            assert!(!frame.whole && octets.ends_with(&image::END));
            let scan = octets.len() - 2;
            assert_eq!(octets[..scan], image[..scan]);
        }
        assert!(network.frames[kept].0.whole);
    }
}

#[test]
fn tables_of_an_earlier_image_serve_the_next() {
    let mut depacketizer = Depacketizer::new();
    let mut frame = alloc::vec![0; 2000];
    use crate::payload::Depacketizer as _;
    let mut first = alloc::vec![0, 0, 0, 0, 1, 200, 40, 30, 0, 0, 0, 128];
    first.extend([7; 128]);
    first.push(1);
    let next = [0, 0, 0, 0, 1, 200, 40, 30, 0, 0, 0, 0, 1];
    let packet = |sequence, payload| Received {
        sequence,
        timestamp: sequence.into(),
        marker: true,
        payload,
        ..Received::default()
    };
    assert!(depacketizer.push(&packet(1, &next), &mut frame).is_err(), "nobody knows them");
    assert!(depacketizer.push(&packet(2, &first), &mut frame).is_ok_and(|frame| frame.is_some()));
    frame.fill(0);
    let whole = depacketizer.push(&packet(3, &next), &mut frame).expect("good").expect("whole");
    assert!(whole.whole);
    assert_eq!(frame[7..71], [7; 64]);
}

#[test]
fn one_table_serves_brightness_and_colour() {
    let mut octets = alloc::vec![0, 0, 0, 0, 1, 255, 40, 30, 0, 0, 0, 64];
    octets.extend(1..=64);
    octets.push(1);
    let packet = Received { marker: true, payload: &octets, ..Received::default() };
    let mut frame = alloc::vec![0; 2000];
    use crate::payload::Depacketizer as _;
    let whole = Depacketizer::new().push(&packet, &mut frame).expect("good").expect("whole");
    assert!(whole.whole);
    // Five octets of a header stand between them.
    assert_eq!(frame[7..71], frame[76..140]);
    assert!(frame[7..71].iter().copied().eq(1..=64));
}

#[test]
fn images_that_the_payload_cannot_carry_are_refused() {
    use crate::payload::Packetizer as _;
    let good = image(Sampling::Columns, 1, 10);
    let refuses = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut octets = good.clone();
        change(&mut octets);
        let frame = Encoded { timestamp: 0, octets: &octets };
        matches!(Packetizer::new().poll_payload(&frame, &mut [0; 1000]), Err(Error::Parse(_)))
    };
    let find = |kind: u8| good.windows(2).position(|pair| pair == [0xff, kind]).expect("there");
    let frame_header = find(0xc0);
    assert!(!refuses(&|_| {}));
    assert!(refuses(&|octets| octets[0] = 0));
    assert!(refuses(&|octets| octets[frame_header + 1] = 0xc2), "progressive");
    assert!(refuses(&|octets| octets[frame_header + 4] = 12), "twelve bits");
    assert!(refuses(&|octets| octets[frame_header + 11] = 0x11), "4:4:4");
    assert!(refuses(&|octets| octets[frame_header + 7] = 0x10), "4160 pixels");
    assert!(refuses(&|octets| octets[frame_header + 9] = 1), "one component");
    assert!(refuses(&|octets| octets[find(0xc4) + 6] ^= 1), "other Huffman tables");
    assert!(refuses(&|octets| octets.truncate(200)));
    assert!(refuses(&|octets| octets[find(0xdb) + 4] = 0x10), "tables of 16 bits");
}
