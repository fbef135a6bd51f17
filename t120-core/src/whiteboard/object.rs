//! Objects as PDUs, and back.

use super::attributes::{Attributes, ROOM};
use super::bitmap::{Bitmap, BitmapFormat};
use super::pdu::*;
use super::stroke::Stroke;
use super::types::{
    Characters, Color, Edit, Line, LineStyle, Nib, Object, ObjectId, PageId, Pen, Point, Points,
    Rotation, Shape, Text, ViewState, ZOrder, diffs,
};
use crate::error::{Fault, ParseError, WriteError};
use crate::gcc::types::{Key, NonStandardParameter};
use crate::netmeeting::text::{MsText, MsTextKind, MsTextPdu};
use crate::netmeeting::{self, text};
use crate::per::{self, Int, List, Octets, SizedOctets};
use crate::storage::RecordIter;

/// What cannot be written has a value outside its type.
pub(super) const OUT_OF_RANGE: WriteError = WriteError::Value(Fault::OutOfRange);

/// Which of T.126's objects one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Drawing,
    Text,
    MsText,
    Bitmap,
    Pointer,
}

/// What the board has to know of a PDU that makes an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) kind: Kind,
    pub(super) handle: Option<u32>,
    pub(super) page: u32,
    pub(super) plane: u8,
    pub(super) order: Option<super::pdu::ZOrder>,
}

/// The order that attributes ask for.
pub(super) fn order<'a>(
    list: Option<List<'a, DrawingAttribute<'a>, 1>>,
) -> Option<super::pdu::ZOrder> {
    let orders = list.into_iter().flat_map(|list| list.iter()).filter_map(|attribute| {
        if let DrawingAttribute::ZOrder(order) = attribute { Some(order) } else { None }
    });
    orders.last()
}

/// The order that a bitmap's attributes ask for.
pub(super) fn bitmap_order<'a>(
    list: Option<List<'a, BitmapAttribute<'a>, 1>>,
) -> Option<super::pdu::ZOrder> {
    let orders = list.into_iter().flat_map(|list| list.iter()).filter_map(|attribute| {
        if let BitmapAttribute::ZOrder(order) = attribute { Some(order) } else { None }
    });
    orders.last()
}

/// What a PDU makes; nothing where it makes no object.
pub(super) fn made(pdu: &SiPdu<'_>) -> Option<Made> {
    Some(match pdu {
        SiPdu::DrawingCreate(pdu) => {
            let DrawingDestinationAddress::SoftCopyAnnotationPlane(address) =
                pdu.destination_address
            else {
                return None;
            };
            let (page, plane) = (address.workspace_handle, address.plane);
            let order = order(pdu.attributes);
            Made { kind: Kind::Drawing, handle: pdu.drawing_handle, page, plane, order }
        }
        SiPdu::TextCreate(pdu) => {
            let SoftCopyDataPlaneAddress { workspace_handle: page, plane } =
                pdu.destination_address;
            let order = order(pdu.attributes);
            Made { kind: Kind::Text, handle: Some(pdu.text_handle), page, plane, order }
        }
        SiPdu::BitmapCreate(pdu) => {
            let (kind, page, plane) = match pdu.destination_address {
                BitmapDestinationAddress::SoftCopyImagePlane(address)
                | BitmapDestinationAddress::SoftCopyAnnotationPlane(address) => {
                    (Kind::Bitmap, address.workspace_handle, address.plane)
                }
                BitmapDestinationAddress::SoftCopyPointerPlane(address) => {
                    (Kind::Pointer, address.workspace_handle, 0)
                }
                _ => return None,
            };
            let order = bitmap_order(pdu.attributes);
            Made { kind, handle: Some(pdu.bitmap_handle), page, plane, order }
        }
        SiPdu::NonStandard(pdu) => match ms_text(pdu)? {
            MsTextPdu::Text(text) if text.kind == MsTextKind::Create => {
                let (handle, page) = (Some(text.handle), text.workspace);
                Made { kind: Kind::MsText, handle, page, plane: 0, order: None }
            }
            _ => return None,
        },
        _ => return None,
    })
}

/// NetMeeting's text in a PDU that is not of the standard.
pub(super) fn ms_text<'a>(pdu: &SiNonStandardPdu<'a>) -> Option<MsTextPdu<'a>> {
    let parameter = &pdu.non_standard_transaction;
    if !netmeeting::is_text_key(&parameter.key) {
        return None;
    }
    MsTextPdu::parse(parameter.data.as_slice()?).ok()
}

/// How many octets one of NetMeeting's texts may have on the board.
const MAX_MS_TEXT_OCTETS: usize = 1024;

/// Writes the PDU that carries one of NetMeeting's texts.
pub(super) fn write_ms_text(text: &MsTextPdu<'_>, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let mut octets = [0; MAX_MS_TEXT_OCTETS];
    let len = text.write(&mut octets).map_err(|_| OUT_OF_RANGE)?;
    let key = SizedOctets::new(netmeeting::TEXT_KEY).ok_or(OUT_OF_RANGE)?;
    let data = Octets::new(octets.get(..len).unwrap_or_default());
    let parameter = NonStandardParameter { key: Key::H221NonStandard(key), data };
    let pdu = SiNonStandardPdu { non_standard_transaction: parameter };
    per::write(&SiPdu::NonStandard(pdu), buffer)
}

pub(super) fn workspace_point(point: Point) -> Result<WorkspacePoint, WriteError> {
    let coordinate = |value: i32| Int::new(i64::from(value)).ok_or(OUT_OF_RANGE);
    Ok(WorkspacePoint { x_coordinate: coordinate(point.x)?, y_coordinate: coordinate(point.y)? })
}

pub(super) const fn point(point: WorkspacePoint) -> Point {
    // Both lie far within 32 bits.
    Point { x: point.x_coordinate.value() as i32, y: point.y_coordinate.value() as i32 }
}

pub(super) const fn color(color: Color) -> WorkspaceColor {
    WorkspaceColor::RgbTrueColor(ColorRgb { r: color.red, g: color.green, b: color.blue })
}

pub(super) fn point_diff(diff: Point) -> Result<PointDiff16, WriteError> {
    let coordinate = |value: i32| Int::new(i64::from(value)).ok_or(OUT_OF_RANGE);
    Ok(PointDiff16 { x_coordinate: coordinate(diff.x)?, y_coordinate: coordinate(diff.y)? })
}

fn rotation(rotation: Rotation) -> Result<RotationSpecifier, WriteError> {
    Ok(RotationSpecifier {
        rotation_angle: Int::new(i64::from(rotation.minutes)).ok_or(OUT_OF_RANGE)?,
        rotation_axis: point_diff(rotation.axis)?,
    })
}

/// Where something is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) id: ObjectId,
    pub(crate) page: PageId,
    pub(crate) plane: u8,
}

impl Place {
    pub(super) const fn address(&self) -> SoftCopyDataPlaneAddress {
        SoftCopyDataPlaneAddress { workspace_handle: self.page.0, plane: self.plane }
    }
}

/// Writes the PDU that draws a shape.
pub(crate) fn write_create(
    place: &Place,
    shape: &Shape<'_>,
    pen: &Pen,
    fill: Option<Color>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut attributes = Attributes::NONE;
    attributes.pen(pen)?;
    attributes = attributes.without_defaults(pen);
    if fill.is_some() {
        attributes.fill(fill);
    }
    let (drawing_type, stroke) = match *shape {
        Shape::Text { at, height, text: Text(Characters::Bmp(text_string)) } => {
            let mut room = ROOM;
            let pdu = SiPdu::TextCreate(TextCreatePdu {
                text_handle: place.id.0,
                destination_address: place.address(),
                attributes: attributes.list(&mut room),
                anchor_point: workspace_point(at)?,
                text_height: height,
                text_string,
                non_standard_parameters: None,
            });
            return per::write(&pdu, buffer);
        }
        // A picture is placed, and a text of NetMeeting's stands on the board already.
        Shape::Text { .. } | Shape::Bitmap(_) => return Err(OUT_OF_RANGE),
        Shape::Freehand(points) => (DrawingType::OpenPolyLine, Stroke::new(points.iter())?),
        Shape::Polygon(points) => (DrawingType::ClosedPolyLine, Stroke::new(points.iter())?),
        Shape::Dots(points) => (DrawingType::Point, Stroke::new(points.iter())?),
        Shape::Line { from, to } => {
            (DrawingType::OpenPolyLine, Stroke::new([from, to].into_iter())?)
        }
        Shape::Rectangle { from, to } => {
            (DrawingType::Rectangle, Stroke::new([from, to].into_iter())?)
        }
        Shape::Ellipse { from, to } => (DrawingType::Ellipse, Stroke::new([from, to].into_iter())?),
    };
    let plane = DrawingDestinationAddress::SoftCopyAnnotationPlane(place.address());
    stroke.with_list(|anchor_point, point_list| {
        let mut room = ROOM;
        let pdu = SiPdu::DrawingCreate(DrawingCreatePdu {
            drawing_handle: Some(place.id.0),
            destination_address: plane,
            drawing_type,
            attributes: attributes.list(&mut room),
            anchor_point,
            rotation: None,
            sample_rate: None,
            point_list,
            non_standard_parameters: None,
        });
        per::write(&pdu, buffer)
    })
}

/// Writes the PDU that deletes an object.
pub(crate) fn write_delete(
    id: ObjectId,
    page: PageId,
    kind: Kind,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let (handle, non_standard_parameters) = (id.0, None);
    let pdu = match kind {
        Kind::Drawing => SiPdu::DrawingDelete(DrawingDeletePdu {
            drawing_handle: handle,
            non_standard_parameters,
        }),
        Kind::Text => {
            SiPdu::TextDelete(TextDeletePdu { text_handle: handle, non_standard_parameters })
        }
        Kind::Bitmap | Kind::Pointer => {
            SiPdu::BitmapDelete(BitmapDeletePdu { bitmap_handle: handle, non_standard_parameters })
        }
        Kind::MsText => {
            let pdu = MsTextPdu::Delete { handle, workspace: page.0 };
            return write_ms_text(&pdu, buffer);
        }
    };
    per::write(&pdu, buffer)
}

fn write_drawing_edit(
    id: ObjectId,
    attributes: &Attributes<'_>,
    anchor_point_edit: Option<WorkspacePoint>,
    rotation_edit: Option<RotationSpecifier>,
    edits: &[PointListEdit<'_>],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let mut room = ROOM;
    let pdu = SiPdu::DrawingEdit(DrawingEditPdu {
        drawing_handle: id.0,
        attribute_edits: attributes.list(&mut room),
        anchor_point_edit,
        rotation_edit,
        point_list_edits: (!edits.is_empty()).then(|| List::new(edits)),
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

/// Writes the PDU that edits an object, whose first point stands somewhere.
pub(crate) fn write_edit(
    (id, page, kind): (ObjectId, PageId, Kind),
    stands_at: Point,
    edit: &Edit<'_>,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let order = edit.order.map(|order| match order {
        ZOrder::Front => super::pdu::ZOrder::Front,
        ZOrder::Back => super::pdu::ZOrder::Back,
    });
    let anchor = edit.at.map(workspace_point).transpose()?;
    let mut attributes = Attributes::NONE;
    if let Some(pen) = &edit.pen {
        attributes.pen(pen)?;
    }
    if let Some(fill) = edit.fill {
        attributes.fill(fill);
    }
    if let Some(view) = edit.view {
        attributes.put(DrawingAttribute::ViewState(view.pdu()));
    }
    if let Some(order) = order {
        attributes.put(DrawingAttribute::ZOrder(order));
    }
    match kind {
        Kind::Drawing => {
            let rotation = edit.rotation.map(rotation).transpose()?;
            let write = |edits: &[PointListEdit<'_>], buffer: &mut [u8]| {
                write_drawing_edit(id, &attributes, anchor, rotation, edits, buffer)
            };
            let Some((initial_index, points)) = edit.points else { return write(&[], buffer) };
            let stroke = Stroke::new(points.iter())?;
            let from = edit.at.unwrap_or(stands_at);
            stroke.with_list(|first, list| {
                let (first, more) = (point(first), stroke.len > 1);
                let initial =
                    Point { x: first.x.saturating_sub(from.x), y: first.y.saturating_sub(from.y) };
                let edit = PointListEdit {
                    initial_index,
                    initial_point_edit: point_diff(initial)?,
                    subsequent_point_edits: more.then_some(list),
                };
                write(&[edit], buffer)
            })
        }
        Kind::Text => {
            let text = match edit.text {
                Some((height, Text(Characters::Bmp(text)))) => Some((height, text)),
                Some(_) => return Err(OUT_OF_RANGE),
                None => None,
            };
            let mut room = ROOM;
            let pdu = SiPdu::TextEdit(TextEditPdu {
                text_handle: id.0,
                attribute_edits: attributes.list(&mut room),
                anchor_point_edit: anchor,
                text_height_edit: text.map(|(height, _)| height),
                text_string_edit: text.map(|(_, text)| text),
                non_standard_parameters: None,
            });
            per::write(&pdu, buffer)
        }
        Kind::Bitmap | Kind::Pointer => {
            let orders = order.map(BitmapAttribute::ZOrder);
            let views = edit.view.map(|view| BitmapAttribute::ViewState(view.pdu()));
            let both = [orders, views];
            let mut room = [BitmapAttribute::ZOrder(super::pdu::ZOrder::Front); 2];
            let mut count = 0;
            for (place, attribute) in room.iter_mut().zip(both.into_iter().flatten()) {
                *place = attribute;
                count += 1;
            }
            let attributes = room.get(..count).unwrap_or_default();
            let pdu = SiPdu::BitmapEdit(BitmapEditPdu {
                bitmap_handle: id.0,
                attribute_edits: (count > 0).then(|| List::new(attributes)),
                anchor_point_edit: anchor,
                bitmap_region_of_interest_edit: None,
                scaling_edit: None,
                non_standard_parameters: None,
            });
            per::write(&pdu, buffer)
        }
        Kind::MsText => {
            let mut flags = 0;
            let mut flag = |is: bool, bit: u32| flags |= if is { bit } else { 0 };
            flag(edit.pen.is_some(), text::flag::PEN_COLOR);
            flag(edit.at.is_some(), text::flag::ANCHOR_POINT);
            flag(edit.view.is_some(), text::flag::VIEW_STATE);
            if edit.text.is_some() {
                return Err(OUT_OF_RANGE);
            }
            let color = edit.pen.unwrap_or_default().color;
            let at = edit.at.unwrap_or_default();
            let selected = edit.view == Some(ViewState::Selected);
            let pdu = MsTextPdu::Text(MsText {
                kind: MsTextKind::Edit,
                handle: id.0,
                workspace: page.0,
                flags,
                pen: [color.red, color.green, color.blue, 0],
                fill: [0; 4],
                view_state: u32::from(selected),
                z_order: 0,
                anchor: (at.x, at.y),
                font: &text::font(0),
                lines: text::Lines::new(""),
            });
            write_ms_text(&pdu, buffer)
        }
    }
}

/// What a bitmap begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BitmapHead<'a> {
    pub(crate) at: Point,
    pub(crate) size: (u32, u32),
    pub(crate) extent: Option<Point>,
    pub(crate) format: BitmapFormat<'a>,
    /// Whether it is a pointer.
    pub(crate) pointer: bool,
}

/// Writes the PDU that begins a bitmap.
pub(crate) fn write_bitmap(
    place: &Place,
    head: &BitmapHead<'_>,
    data: &[u8],
    more: bool,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let pixels = |value: u32| Int::new(i64::from(value)).ok_or(OUT_OF_RANGE);
    let destination_address = if head.pointer {
        let workspace_handle = place.page.0;
        let address = SoftCopyPointerPlaneAddress { workspace_handle };
        BitmapDestinationAddress::SoftCopyPointerPlane(address)
    } else {
        BitmapDestinationAddress::SoftCopyImagePlane(place.address())
    };
    let pdu = SiPdu::BitmapCreate(BitmapCreatePdu {
        bitmap_handle: place.id.0,
        destination_address,
        attributes: None,
        anchor_point: Some(workspace_point(head.at)?),
        bitmap_size: BitmapSize { width: pixels(head.size.0)?, height: pixels(head.size.1)? },
        bitmap_region_of_interest: None,
        pixel_aspect_ratio: PixelAspectRatio::Square,
        scaling: head.extent.map(point_diff).transpose()?,
        checkpoints: None,
        bitmap_format_header: head.format.header().ok_or(OUT_OF_RANGE)?,
        bitmap_data: bitmap_data(data)?,
        more_to_follow: more,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

/// Writes the PDU that goes on with a bitmap.
pub(crate) fn write_continue(
    id: ObjectId,
    data: &[u8],
    more: bool,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let pdu = SiPdu::BitmapCreateContinue(BitmapCreateContinuePdu {
        bitmap_handle: id.0,
        bitmap_data: bitmap_data(data)?.ok_or(OUT_OF_RANGE)?,
        more_to_follow: more,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

fn bitmap_data(data: &[u8]) -> Result<Option<BitmapData<'_>>, WriteError> {
    if data.is_empty() {
        return Ok(None);
    }
    let data = SizedOctets::new(data).ok_or(OUT_OF_RANGE)?;
    Ok(Some(BitmapData { data_checkpoint: None, pad_bits: None, data }))
}

fn rgb(color: WorkspaceColor) -> Option<Color> {
    match color {
        WorkspaceColor::RgbTrueColor(rgb) => Some(Color::new(rgb.r, rgb.g, rgb.b)),
        WorkspaceColor::WorkspacePaletteIndex(_) | WorkspaceColor::Transparent => None,
    }
}

impl<'a> Object<'a> {
    /// Reads the object from the PDU that makes it; `None` where it is another PDU. `rest` is what
    /// stands behind it.
    pub(super) fn read(octets: &'a [u8], rest: RecordIter<'a>) -> Result<Option<Self>, ParseError> {
        let out_of_range = ParseError { what: Fault::OutOfRange, at: 0 };
        let pdu = SiPdu::parse(octets)?;
        let Some(made) = made(&pdu) else { return Ok(None) };
        let mut object = Self {
            id: made.handle.map(ObjectId),
            page: PageId(made.page),
            plane: made.plane,
            shape: Shape::Dots(Points(Line::Slice(&[]))),
            pen: Pen::default(),
            fill: None,
            view: ViewState::Unselected,
            rotation: None,
        };
        let attributes = match pdu {
            SiPdu::DrawingCreate(pdu) => {
                let anchor = point(pdu.anchor_point);
                let points = Points(Line::Pdu { anchor, list: pdu.point_list });
                let mut rest = diffs(pdu.point_list);
                let (second, third) = (rest.next(), rest.next());
                let second = second.map(|diff| {
                    let (x, y) = (anchor.x.saturating_add(diff.x), anchor.y.saturating_add(diff.y));
                    Point { x, y }
                });
                object.shape = match (pdu.drawing_type, second, third) {
                    (DrawingType::Rectangle, Some(to), _) => Shape::Rectangle { from: anchor, to },
                    (DrawingType::Ellipse, Some(to), _) => Shape::Ellipse { from: anchor, to },
                    (DrawingType::OpenPolyLine, Some(to), None) => Shape::Line { from: anchor, to },
                    (DrawingType::OpenPolyLine, ..) => Shape::Freehand(points),
                    (DrawingType::ClosedPolyLine, ..) => Shape::Polygon(points),
                    (DrawingType::Point, ..) => Shape::Dots(points),
                    _ => return Err(out_of_range),
                };
                object.rotation = pdu.rotation.map(|rotation| Rotation {
                    // All of them are of 16 bits.
                    minutes: rotation.rotation_angle.value() as u16,
                    axis: Point {
                        x: rotation.rotation_axis.x_coordinate.value() as i32,
                        y: rotation.rotation_axis.y_coordinate.value() as i32,
                    },
                });
                pdu.attributes
            }
            SiPdu::TextCreate(pdu) => {
                let (at, height) = (point(pdu.anchor_point), pdu.text_height);
                let text = Text(Characters::Bmp(pdu.text_string));
                object.shape = Shape::Text { at, height, text };
                pdu.attributes
            }
            SiPdu::BitmapCreate(pdu) => {
                let at = pdu.anchor_point.map_or(Point::default(), point);
                object.shape = Shape::Bitmap(Bitmap::new(&pdu, at, Some(rest)));
                for attribute in pdu.attributes.into_iter().flat_map(|list| list.iter()) {
                    if let BitmapAttribute::ViewState(view) = attribute {
                        object.view = ViewState::of(view);
                    }
                }
                None
            }
            SiPdu::NonStandard(pdu) => {
                let Some(MsTextPdu::Text(text)) = ms_text(&pdu) else { return Ok(None) };
                let at = Point::new(text.anchor.0, text.anchor.1);
                let height = u16::try_from(text.height()).unwrap_or(u16::MAX);
                let [red, green, blue, _] = text.pen;
                object.pen.color = Color::new(red, green, blue);
                let lines = Text(Characters::Lines(text.lines));
                object.shape = Shape::Text { at, height, text: lines };
                if text.view_state != 0 {
                    object.view = ViewState::Selected;
                }
                None
            }
            _ => return Ok(None),
        };
        for attribute in attributes.into_iter().flat_map(|list| list.iter()) {
            object.set(attribute);
        }
        Ok(Some(object))
    }

    const fn set(&mut self, attribute: DrawingAttribute<'_>) {
        match attribute {
            DrawingAttribute::PenColor(WorkspaceColor::RgbTrueColor(rgb)) => {
                self.pen.color = Color::new(rgb.r, rgb.g, rgb.b);
            }
            DrawingAttribute::FillColor(color) => {
                self.fill = match color {
                    WorkspaceColor::RgbTrueColor(rgb) => Some(Color::new(rgb.r, rgb.g, rgb.b)),
                    _ => None,
                };
            }
            DrawingAttribute::PenThickness(thickness) => self.pen.thickness = thickness.value(),
            DrawingAttribute::PenNib(PenNib::Square) => self.pen.nib = Nib::Square,
            DrawingAttribute::PenNib(_) => self.pen.nib = Nib::Circular,
            DrawingAttribute::LineStyle(style) => {
                use super::pdu::LineStyle as Pdu;
                self.pen.style = match style {
                    Pdu::Solid | Pdu::NonStandardStyle(_) => LineStyle::Solid,
                    Pdu::Dashed => LineStyle::Dashed,
                    Pdu::Dotted => LineStyle::Dotted,
                    Pdu::DashDot => LineStyle::DashDot,
                    Pdu::DashDotDot => LineStyle::DashDotDot,
                    Pdu::TwoTone => LineStyle::TwoTone,
                };
            }
            DrawingAttribute::Highlight(highlight) => self.pen.highlight = highlight,
            DrawingAttribute::ViewState(view) => self.view = ViewState::of(view),
            DrawingAttribute::PenColor(_)
            | DrawingAttribute::ZOrder(_)
            | DrawingAttribute::NonStandardAttribute(_) => {}
        }
    }
}

/// What lies below all that is drawn on a page.
pub(super) fn background(pdu: &WorkspaceCreatePdu<'_>) -> Option<Color> {
    let attributes = pdu.workspace_attributes.into_iter().flat_map(|list| list.iter());
    let colors = attributes.filter_map(|attribute| match attribute {
        WorkspaceAttribute::BackgroundColor(color) => rgb(color),
        _ => None,
    });
    colors.last()
}
