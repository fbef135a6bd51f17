//! Boards alone, fed with the PDUs that others may send.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use handset_testkit::{Random, seeds};

use super::object::{Place, write_bitmap, write_continue, write_create, write_delete};
use super::pdu::*;
use super::*;
use crate::error::{Error, WriteError};
use crate::netmeeting::text::{self, Lines, MsText, MsTextKind, MsTextPdu};
use crate::per::{self, Int, List};
use crate::storage::Room;

fn growing(limit: usize) -> Board<'static> {
    let cells = vec![0; limit];
    Board::new(Room::Lent(Vec::leak(cells)))
}

fn written(write: impl Fn(&mut [u8]) -> Result<usize, WriteError>) -> Vec<u8> {
    let mut buffer = vec![0; 3000];
    let len = write(&mut buffer).expect("it can be written");
    buffer.truncate(len);
    buffer
}

fn page(id: u32) -> Vec<u8> {
    written(|buffer| page::write_create(PageId(id), &PageSetup::default(), buffer))
}

fn line(id: u32, page: u32) -> Vec<u8> {
    let place = Place { id: ObjectId(id), page: PageId(page), plane: 0 };
    let shape = Shape::Line { from: Point::new(1, 2), to: Point::new(3, 4) };
    written(|buffer| write_create(&place, &shape, &Pen::default(), None, buffer))
}

fn board(pdus: &[Vec<u8>]) -> Board<'static> {
    let mut board = growing(20_000);
    for pdu in pdus {
        board.apply(pdu).expect("there is room");
    }
    board
}

#[test]
fn a_board_is_made_again_by_its_own_pdus() {
    let text = MsTextPdu::Text(MsText {
        kind: MsTextKind::Create,
        handle: 7,
        workspace: 1,
        flags: text::flag::ALL,
        pen: [9, 8, 7, 0],
        fill: [0; 4],
        view_state: 1,
        z_order: 0,
        anchor: (40, 50),
        font: &text::font(-24),
        lines: Lines::new("one\ntwo"),
    });
    let text = written(|buffer| object::write_ms_text(&text, buffer));
    let board = board(&[page(1), line(5, 1), text, line(6, 1)]);
    let mut other = growing(20_000);
    for pdu in board.pdus() {
        other.apply(pdu).unwrap();
    }
    assert_eq!(board.digest(), other.digest());
    assert_eq!(other.len(), 3);
}

#[test]
fn netmeetings_texts_stand_on_the_board_and_are_edited_and_deleted() {
    let text = |kind, flags, anchor, lines| {
        let pdu = MsTextPdu::Text(MsText {
            kind,
            handle: 7,
            workspace: 1,
            flags,
            pen: [9, 8, 7, 0],
            fill: [0; 4],
            view_state: 0,
            z_order: 0,
            anchor,
            font: &text::font(-24),
            lines: Lines::new(lines),
        });
        written(|buffer| object::write_ms_text(&pdu, buffer))
    };
    let made = text(MsTextKind::Create, text::flag::ALL, (40, 50), "one\ntwo");
    let mut board = board(&[page(1), made]);
    let shown = |board: &Board<'_>| {
        let object = board.object(ObjectId(7)).expect("it is there");
        let Shape::Text { at, height, text } = object.shape else { panic!("a text") };
        (at, height, text.chars().collect::<String>(), object.pen.color)
    };
    let color = Color::new(9, 8, 7);
    assert_eq!(shown(&board), (Point::new(40, 50), 24, "one\ntwo".into(), color));
    let moved = text(MsTextKind::Edit, text::flag::ANCHOR_POINT, (1, 2), "");
    assert_eq!(board.apply(&moved), Ok(Change::Picture));
    assert_eq!(shown(&board), (Point::new(1, 2), 24, "one\ntwo".into(), color));
    // Our own edits of it go in its own words.
    let target = (ObjectId(7), PageId(1), object::Kind::MsText);
    let edit = Edit { at: Some(Point::new(3, 3)), ..Edit::default() };
    let ours = written(|buffer| object::write_edit(target, Point::default(), &edit, buffer));
    assert_eq!(board.apply(&ours), Ok(Change::Picture));
    assert_eq!(shown(&board).0, Point::new(3, 3));
    let kind = object::Kind::MsText;
    let gone = written(|buffer| write_delete(ObjectId(7), PageId(1), kind, buffer));
    assert_eq!(board.apply(&gone), Ok(Change::Picture));
    assert!(board.is_empty());
}

#[test]
fn what_has_no_page_or_no_plane_or_a_name_that_is_taken_is_drawn_nowhere() {
    let mut board = board(&[line(5, 1), page(1), line(5, 1), line(5, 1)]);
    assert_eq!(board.len(), 1);
    let place = Place { id: ObjectId(6), page: PageId(1), plane: 1 };
    let shape = Shape::Line { from: Point::new(1, 2), to: Point::new(3, 4) };
    let elsewhere = written(|buffer| write_create(&place, &shape, &Pen::default(), None, buffer));
    assert_eq!(board.apply(&elsewhere), Ok(Change::Nothing));
    assert_eq!(board.apply(&page(5)), Ok(Change::Nothing), "an object has this name");
    // A bitmap is not deleted as a drawing is.
    let kind = object::Kind::Bitmap;
    let wrong = written(|buffer| write_delete(ObjectId(5), PageId(1), kind, buffer));
    assert_eq!(board.apply(&wrong), Ok(Change::Nothing));
    assert_eq!(board.len(), 1);
}

#[test]
fn what_stands_on_a_plane_that_cannot_be_edited_stays_until_its_page_goes() {
    let usages = [PlaneUsage::Annotation];
    let plane =
        PlaneParameters { editable: false, usage: List::new(&usages), plane_attributes: None };
    let planes = [plane];
    let side = Int::new(100).unwrap();
    let pdu = SiPdu::WorkspaceCreate(WorkspaceCreatePdu {
        workspace_identifier: WorkspaceIdentifier::ActiveWorkspace(2),
        app_roster_instance: 0,
        synchronized: true,
        accept_keyboard_events: false,
        accept_pointing_device_events: false,
        protected_plane_access_list: None,
        workspace_size: WorkspaceSize { width: side, height: side },
        workspace_attributes: None,
        plane_parameters: List::new(&planes),
        view_parameters: None,
        non_standard_parameters: None,
    });
    let fixed = written(|buffer| per::write(&pdu, buffer));
    let mut board = board(&[page(1), fixed, line(5, 2), line(6, 1)]);
    let kind = object::Kind::Drawing;
    let gone = written(|buffer| write_delete(ObjectId(5), PageId(2), kind, buffer));
    assert_eq!(board.apply(&gone), Ok(Change::Nothing));
    assert_eq!(board.len(), 2);
    let gone = written(|buffer| page::write_delete(PageId(2), buffer));
    assert_eq!(board.apply(&gone), Ok(Change::Picture));
    assert_eq!(board.objects().filter_map(|object| object.id).collect::<Vec<_>>(), [ObjectId(6)]);
}

#[test]
fn a_bitmap_that_is_aborted_goes_with_all_its_parts() {
    let place = Place { id: ObjectId(9), page: PageId(1), plane: 0 };
    let head = object::BitmapHead {
        at: Point::new(0, 0),
        size: (10, 10),
        extent: None,
        format: BitmapFormat::Jpeg,
        pointer: false,
    };
    let first = written(|buffer| write_bitmap(&place, &head, b"one", true, buffer));
    let part = |more| written(move |buffer| write_continue(ObjectId(9), b"two", more, buffer));
    let mut board = board(&[page(1), first, line(5, 1), part(true)]);
    let Shape::Bitmap(bitmap) = board.object(ObjectId(9)).unwrap().shape else { panic!() };
    assert!(!bitmap.is_complete());
    assert_eq!((bitmap.octets(), bitmap.format), (6, BitmapFormat::Jpeg));
    assert!(board.orphan(|id| id == ObjectId(9)).is_some());
    assert_eq!(board.apply(&part(false)), Ok(Change::Picture));
    assert_eq!(board.apply(&part(false)), Ok(Change::Nothing), "it has all of it");
    assert!(board.orphan(|_| true).is_none());
    let abort = SiPdu::BitmapAbort(BitmapAbortPdu {
        bitmap_handle: 9,
        user_id: None,
        reason: Some(BitmapAbortReason::NoResources),
        message: None,
        non_standard_parameters: None,
    });
    assert_eq!(board.apply(&written(|buffer| per::write(&abort, buffer))), Ok(Change::Picture));
    assert_eq!((board.len(), board.pdus().count()), (1, 2));
}

#[test]
fn a_board_without_room_says_so_and_keeps_what_it_has() {
    let mut board = growing(200);
    board.apply(&page(1)).unwrap();
    let mut full = false;
    for id in 2..20 {
        full |= matches!(board.apply(&line(id, 1)), Err(Error::Full(_)));
    }
    assert!(full && board.len() > 1);
    let before = board.digest();
    let edit = Edit { pen: Some(Pen::marker(Color::BLACK, 9)), ..Edit::default() };
    let target = (ObjectId(2), PageId(1), object::Kind::Drawing);
    let edit = written(|buffer| object::write_edit(target, Point::default(), &edit, buffer));
    assert!(matches!(board.apply(&edit), Err(Error::Full(_))));
    assert_eq!(board.digest(), before);
}

#[test]
fn pdus_with_any_octet_changed_do_no_harm() {
    seeds(60, |seed| {
        let mut random = Random::new(seed);
        let mut board = growing(6000);
        let pdus = [page(1), line(5, 1), line(6, 1), page(2), line(7, 2)];
        for _ in 0..300 {
            let mut pdu = pdus[random.below(5) as usize].clone();
            let changes = random.below(3);
            for _ in 0..changes {
                let at = random.below(pdu.len() as u64) as usize;
                pdu[at] = random.number() as u8;
            }
            let _ = board.apply(&pdu);
            let _ = (board.objects().count(), board.pages().count(), board.pointers().count());
        }
        // What stands there makes the same board again.
        let mut other = growing(6000);
        for pdu in board.pdus() {
            other.apply(pdu).unwrap();
        }
        assert_eq!(board.digest(), other.digest());
    });
}
