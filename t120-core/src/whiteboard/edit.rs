//! How an edit changes the PDU that made an object: the board keeps what is left of both, as one
//! PDU that makes the object as it is now.
//!
//! Parameters and attributes that are not of the standard go when an object is edited.

use super::MAX_PLANES;
use super::attributes::{Attributes, ROOM};
use super::object::{OUT_OF_RANGE, ms_text, point, write_ms_text};
use super::pdu::*;
use super::stroke::Stroke;
use super::types::Point;
use crate::error::WriteError;
use crate::netmeeting::text::{MsTextKind, MsTextPdu};
use crate::per::{self, List};

fn parse(octets: &[u8]) -> Result<SiPdu<'_>, WriteError> {
    SiPdu::parse(octets).map_err(|error| WriteError::Value(error.what))
}

/// An edit, or none where there are no octets of one.
fn parse_edit(octets: &[u8]) -> Result<Option<SiPdu<'_>>, WriteError> {
    if octets.is_empty() { Ok(None) } else { parse(octets).map(Some) }
}

/// Writes the PDU that makes an object as it is behind an edit.
pub(super) fn edited<'r>(
    old: &'r [u8],
    edit: &'r [u8],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    match (parse(old)?, parse_edit(edit)?) {
        (SiPdu::DrawingCreate(old), None) => drawing(&old, None, buffer),
        (SiPdu::DrawingCreate(old), Some(SiPdu::DrawingEdit(edit))) => {
            drawing(&old, Some(&edit), buffer)
        }
        (SiPdu::TextCreate(old), None) => text(&old, None, buffer),
        (SiPdu::TextCreate(old), Some(SiPdu::TextEdit(edit))) => text(&old, Some(&edit), buffer),
        (SiPdu::BitmapCreate(old), None) => bitmap(&old, None, buffer),
        (SiPdu::BitmapCreate(old), Some(SiPdu::BitmapEdit(edit))) => {
            bitmap(&old, Some(&edit), buffer)
        }
        (SiPdu::NonStandard(old), Some(SiPdu::NonStandard(edit))) => {
            match (ms_text(&old), ms_text(&edit)) {
                (Some(MsTextPdu::Text(old)), Some(MsTextPdu::Text(edit))) => {
                    let mut text = old.edited(&edit);
                    text.kind = MsTextKind::Create;
                    write_ms_text(&MsTextPdu::Text(text), buffer)
                }
                _ => Err(OUT_OF_RANGE),
            }
        }
        (SiPdu::WorkspaceCreate(old), Some(SiPdu::WorkspaceEdit(edit))) => {
            workspace(&old, &edit, buffer)
        }
        _ => Err(OUT_OF_RANGE),
    }
}

fn drawing<'r>(
    old: &DrawingCreatePdu<'r>,
    edit: Option<&DrawingEditPdu<'r>>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut attributes = Attributes::NONE;
    attributes.take(old.attributes);
    let anchor = point(old.anchor_point);
    let mut rotation = old.rotation;
    let mut moved = anchor;
    if let Some(edit) = edit {
        attributes.take(edit.attribute_edits);
        rotation = edit.rotation_edit.or(rotation);
        moved = edit.anchor_point_edit.map_or(anchor, point);
    }
    let attributes = attributes.without_order();
    let behind = super::types::diffs(old.point_list).scan(moved, |at, diff| {
        *at = sum(*at, diff);
        Some(*at)
    });
    let mut stroke = Stroke::new(core::iter::once(moved).chain(behind))?;
    let edits = edit.and_then(|edit| edit.point_list_edits);
    for edit in edits.into_iter().flat_map(|list| list.iter()) {
        let diff = edit.initial_point_edit;
        // Both are of 16 bits.
        let (x, y) = (diff.x_coordinate.value() as i32, diff.y_coordinate.value() as i32);
        let mut at = sum(moved, Point { x, y });
        let mut index = usize::from(edit.initial_index);
        stroke.set(index, at)?;
        for diff in edit.subsequent_point_edits.into_iter().flat_map(super::types::diffs) {
            (at, index) = (sum(at, diff), index.saturating_add(1));
            stroke.set(index, at)?;
        }
    }
    let (handle, destination) = (old.drawing_handle, old.destination_address);
    let (drawing_type, sample_rate) = (old.drawing_type, old.sample_rate);
    stroke.with_list(|anchor_point, point_list| {
        let mut room = ROOM;
        let pdu = SiPdu::DrawingCreate(DrawingCreatePdu {
            drawing_handle: handle,
            destination_address: destination,
            drawing_type,
            attributes: attributes.list(&mut room),
            anchor_point,
            rotation,
            sample_rate,
            point_list,
            non_standard_parameters: None,
        });
        per::write(&pdu, buffer)
    })
}

const fn sum(at: Point, diff: Point) -> Point {
    Point { x: at.x.saturating_add(diff.x), y: at.y.saturating_add(diff.y) }
}

fn text<'r>(
    old: &TextCreatePdu<'r>,
    edit: Option<&TextEditPdu<'r>>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut attributes = Attributes::NONE;
    attributes.take(old.attributes);
    let mut anchor_point = old.anchor_point;
    let (mut text_height, mut text_string) = (old.text_height, old.text_string);
    if let Some(edit) = edit {
        attributes.take(edit.attribute_edits);
        anchor_point = edit.anchor_point_edit.unwrap_or(anchor_point);
        text_height = edit.text_height_edit.unwrap_or(text_height);
        text_string = edit.text_string_edit.unwrap_or(text_string);
    }
    let mut room = ROOM;
    let pdu = SiPdu::TextCreate(TextCreatePdu {
        text_handle: old.text_handle,
        destination_address: old.destination_address,
        attributes: attributes.without_order().list(&mut room),
        anchor_point,
        text_height,
        text_string,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

fn bitmap<'r>(
    old: &BitmapCreatePdu<'r>,
    edit: Option<&BitmapEditPdu<'r>>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let (mut view, mut mask) = (None, None);
    let mut take = |list: Option<List<'r, BitmapAttribute<'r>, 1>>| {
        for attribute in list.into_iter().flat_map(|list| list.iter()) {
            match attribute {
                BitmapAttribute::ViewState(_) => view = Some(attribute),
                BitmapAttribute::TransparencyMask(_) => mask = Some(attribute),
                BitmapAttribute::ZOrder(_) | BitmapAttribute::NonStandardAttribute(_) => {}
            }
        }
    };
    take(old.attributes);
    let mut anchor_point = old.anchor_point;
    let (mut region, mut scaling) = (old.bitmap_region_of_interest, old.scaling);
    if let Some(edit) = edit {
        take(edit.attribute_edits);
        anchor_point = edit.anchor_point_edit.or(anchor_point);
        region = edit.bitmap_region_of_interest_edit.or(region);
        scaling = edit.scaling_edit.or(scaling);
    }
    let mut room = [BitmapAttribute::ZOrder(ZOrder::Front); 2];
    let mut count = 0;
    for (place, attribute) in room.iter_mut().zip([view, mask].into_iter().flatten()) {
        *place = attribute;
        count += 1;
    }
    let attributes = room.get(..count).unwrap_or_default();
    let pdu = SiPdu::BitmapCreate(BitmapCreatePdu {
        bitmap_handle: old.bitmap_handle,
        destination_address: old.destination_address,
        attributes: (count > 0).then(|| List::new(attributes)),
        anchor_point,
        bitmap_size: old.bitmap_size,
        bitmap_region_of_interest: region,
        pixel_aspect_ratio: old.pixel_aspect_ratio,
        scaling,
        checkpoints: old.checkpoints,
        bitmap_format_header: old.bitmap_format_header,
        bitmap_data: old.bitmap_data,
        more_to_follow: old.more_to_follow,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

/// A plane, as much of it as an edit keeps.
#[derive(Clone, Copy)]
struct Plane<'r> {
    editable: bool,
    usage: [PlaneUsage<'r>; 2],
    usages: usize,
    protection: Option<PlaneAttribute<'r>>,
}

fn workspace<'r>(
    old: &WorkspaceCreatePdu<'r>,
    edit: &WorkspaceEditPdu<'r>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let (mut background, mut preserve) = (None, None);
    for list in [old.workspace_attributes, edit.attribute_edits].into_iter().flatten() {
        for attribute in list.iter() {
            match attribute {
                WorkspaceAttribute::BackgroundColor(_) => background = Some(attribute),
                WorkspaceAttribute::Preserve(_) => preserve = Some(attribute),
                WorkspaceAttribute::NonStandardAttribute(_) => {}
            }
        }
    }
    let mut attributes = [WorkspaceAttribute::Preserve(false); 2];
    let mut count = 0;
    for (place, attribute) in
        attributes.iter_mut().zip([background, preserve].into_iter().flatten())
    {
        *place = attribute;
        count += 1;
    }
    let attributes = attributes.get(..count).unwrap_or_default();

    let none =
        Plane { editable: false, usage: [PlaneUsage::Annotation; 2], usages: 0, protection: None };
    let protection = |list: List<'r, PlaneAttribute<'r>, 1>| {
        list.iter().filter(|a| matches!(a, PlaneAttribute::Protection(_))).last()
    };
    let mut planes = [none; MAX_PLANES];
    let mut plane_count = 0;
    for (place, plane) in planes.iter_mut().zip(old.plane_parameters.iter()) {
        place.editable = plane.editable;
        for (place, usage) in place.usage.iter_mut().zip(plane.usage.iter()) {
            *place = usage;
        }
        place.usages = plane.usage.iter().take(2).count();
        place.protection = plane.plane_attributes.and_then(protection);
        plane_count += 1;
    }
    for edit in edit.plane_edits.into_iter().flat_map(|list| list.iter()) {
        if let Some(place) = planes.get_mut(usize::from(edit.plane)) {
            place.protection = protection(edit.plane_attributes).or(place.protection);
        }
    }
    let plane = |number: usize| {
        let plane = planes.get(number).unwrap_or(&none);
        PlaneParameters {
            editable: plane.editable,
            usage: List::new(plane.usage.get(..plane.usages).unwrap_or_default()),
            plane_attributes: plane
                .protection
                .as_ref()
                .map(|p| List::new(core::slice::from_ref(p))),
        }
    };
    let pdu = SiPdu::WorkspaceCreate(WorkspaceCreatePdu {
        workspace_identifier: old.workspace_identifier,
        app_roster_instance: old.app_roster_instance,
        synchronized: old.synchronized,
        accept_keyboard_events: old.accept_keyboard_events,
        accept_pointing_device_events: old.accept_pointing_device_events,
        protected_plane_access_list: old.protected_plane_access_list,
        workspace_size: old.workspace_size,
        workspace_attributes: (count > 0).then(|| List::new(attributes)),
        plane_parameters: List::made(plane_count, &plane),
        view_parameters: None,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}
