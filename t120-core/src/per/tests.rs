use alloc::vec;

use super::*;
use crate::error::Fault;

#[test]
fn constrained_numbers_take_the_form_of_their_range() {
    for (value, min, max, expected) in [
        (3, 0, 3, &[0xc0u8][..]),
        (254, 0, 254, &[254]),
        (255, 0, 255, &[255]),
        (256, 0, 256, &[1, 0]),
        (65535, 0, 65535, &[255, 255]),
        (5, 0, 4_294_967_295, &[0, 5]),
        (66538, 0, 4_294_967_295, &[0x80, 1, 3, 0xea]),
        (3600, -2_147_483_648, 2_147_483_647, &[0xc0, 0x80, 0, 0x0e, 0x10]),
        (7, 7, 7, &[0]),
    ] {
        let mut buffer = vec![0; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.constrained(value, min, max);
        let len = writer.octets();
        assert_eq!(&buffer[..len], expected, "{value} in {min}..={max}");
        assert_eq!(Reader::new(expected).constrained(min, max), Ok(value));
    }
}

#[test]
fn numbers_above_their_range_are_refused_both_ways() {
    assert_eq!(Reader::new(&[0xff]).constrained(0, 4).map_err(|e| e.what), Err(Fault::OutOfRange));
    let mut writer = Writer::counting();
    writer.constrained(5, 0, 4);
    assert_eq!(writer.fault(), Some(Fault::OutOfRange));
}

#[test]
fn unbounded_numbers_are_as_short_as_they_can_be() {
    for (value, expected) in [
        (0, &[1u8, 0][..]),
        (127, &[1, 127]),
        (128, &[2, 0, 128]),
        (-1, &[1, 255]),
        (-129, &[2, 0xff, 0x7f]),
        (i64::MIN, &[8, 128, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        let mut buffer = [0; 9];
        assert_eq!(write(&Integer(value), &mut buffer), Ok(expected.len()));
        assert_eq!(&buffer[..expected.len()], expected);
        assert_eq!(parse(expected), Ok(Integer(value)));
    }
    // What rdesktop sends for zero.
    assert_eq!(parse(&[0]), Ok(Unsigned(0)));
}

#[test]
fn long_octet_strings_are_written_in_fragments_and_read_back() {
    for len in [16383, 16384, 16684, 65536, 81920, 147_456, 200_000] {
        let octets = (0..len).map(|i| i as u8).collect::<vec::Vec<_>>();
        let string = Octets::new(&octets);
        let mut buffer = vec![0; encoded_len(&string)];
        write(&string, &mut buffer).unwrap();
        let back: Octets<'_> = parse(&buffer).unwrap();
        assert_eq!(back.len(), len);
        assert_eq!(back, string);
        let whole = matches!(len, 16383 | 16384 | 65536);
        assert_eq!(back.as_slice().is_some(), whole);
        let mut again = vec![0; buffer.len()];
        write(&back, &mut again).unwrap();
        assert_eq!(again, buffer, "a fragmented view is written as it was read");
        assert!(parse::<Octets<'_>>(&buffer[..buffer.len() - 1]).is_err());
    }
}

#[test]
fn lists_of_the_host_and_of_the_wire_are_equal() {
    let list = List::<'_, u16>::new(&[1, 2, 3]);
    let mut buffer = [0; 7];
    write(&list, &mut buffer).unwrap();
    let back: List<'_, u16> = parse(&buffer).unwrap();
    assert_eq!(back, list);
    assert_eq!(back.len(), 3);
    let cut = parse::<List<'_, u16>>(&buffer[..6]).map_err(|e| e.what);
    assert_eq!(cut, Err(Fault::UnexpectedEnd));
}

#[test]
fn lists_outside_their_size_are_refused_both_ways() {
    let long = List::<'_, bool, 1, 2>::new(&[true; 3]);
    assert!(matches!(write(&long, &mut [0; 8]), Err(WriteError::Value(Fault::OutOfRange))));
    let empty = List::<'_, u16, 1, 65536>::new(&[]);
    assert!(write(&empty, &mut [0; 8]).is_err());
    assert!(parse::<List<'_, u16, 1, 65536>>(&[0]).is_err());
}

#[test]
fn strings_of_characters_check_their_alphabet_and_length() {
    assert!(NumericString::<'_, 1, 4>::new("12345").is_none());
    assert!(NumericString::<'_, 1, 4>::new("12a").is_none());
    assert!(DialString::<'_, 1, 4>::new("#*,").is_some());
    assert!(BmpString::<'_, 1, 255>::new("").is_none());
    let digits = NumericString::<'_, 1, 255>::new("1203").unwrap();
    let mut buffer = [0; 3];
    assert_eq!(write(&digits, &mut buffer), Ok(3));
    assert_eq!(buffer, [3, 0x12, 0x03]);
    assert_eq!(parse(&buffer), Ok(digits));
    let bad = parse::<NumericString<'_, 1, 255>>(&[0, 0xa0]).map_err(|e| e.what);
    assert_eq!(bad, Err(Fault::BadCharacter));
}

#[test]
fn flags_keep_the_length_that_the_wire_has() {
    let flags = Flags::NONE.with(2);
    assert!(flags.has(2) && !flags.has(1));
    let mut buffer = [0; 2];
    assert_eq!(write(&flags, &mut buffer), Ok(2));
    assert_eq!(buffer, [3, 0x20]);
    let longer: Flags = parse(&[5, 0x20]).unwrap();
    assert_eq!(write(&longer, &mut buffer), Ok(2));
    assert_eq!(buffer, [5, 0x20]);
}

#[test]
fn object_identifiers_show_their_numbers() {
    let oid = ObjectIdentifier::new(&[0, 0x14, 0x7c, 0, 1]).unwrap();
    assert!(oid.arcs().eq([0, 0, 20, 124, 0, 1]));
    assert!(ObjectIdentifier::new(&[0x80]).is_none());
}
