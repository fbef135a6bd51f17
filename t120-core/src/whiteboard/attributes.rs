//! The attributes of drawings and texts.

use super::object::{OUT_OF_RANGE, color};
use super::pdu::*;
use super::types::{Color, LineStyle, Nib, Pen};
use crate::error::WriteError;
use crate::per::List;

const fn line_style(style: LineStyle) -> super::pdu::LineStyle<'static> {
    use super::pdu::LineStyle as Pdu;
    match style {
        LineStyle::Solid => Pdu::Solid,
        LineStyle::Dashed => Pdu::Dashed,
        LineStyle::Dotted => Pdu::Dotted,
        LineStyle::DashDot => Pdu::DashDot,
        LineStyle::DashDotDot => Pdu::DashDotDot,
        LineStyle::TwoTone => Pdu::TwoTone,
    }
}

/// How many kinds of [`DrawingAttribute`] there are.
const KINDS: usize = 9;

/// One attribute of each kind: a later one takes the place of an earlier one.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a> {
    kinds: [Option<DrawingAttribute<'a>>; KINDS],
}

impl<'a> Attributes<'a> {
    pub(super) const NONE: Self = Self { kinds: [None; KINDS] };

    pub(super) fn put(&mut self, attribute: DrawingAttribute<'a>) {
        let kind = match attribute {
            DrawingAttribute::PenColor(_) => 0,
            DrawingAttribute::FillColor(_) => 1,
            DrawingAttribute::PenThickness(_) => 2,
            DrawingAttribute::PenNib(_) => 3,
            DrawingAttribute::LineStyle(_) => 4,
            DrawingAttribute::Highlight(_) => 5,
            DrawingAttribute::ViewState(_) => 6,
            DrawingAttribute::ZOrder(_) => 7,
            DrawingAttribute::NonStandardAttribute(_) => 8,
        };
        if let Some(place) = self.kinds.get_mut(kind) {
            *place = Some(attribute);
        }
    }

    pub(super) fn take(&mut self, list: Option<List<'a, DrawingAttribute<'a>, 1>>) {
        for attribute in list.into_iter().flat_map(|list| list.iter()) {
            self.put(attribute);
        }
    }

    /// The order is where an object stands, not what it says.
    pub(super) const fn without_order(mut self) -> Self {
        let [.., order, _] = &mut self.kinds;
        *order = None;
        self
    }

    /// All of them without gaps, in `room`.
    pub(super) fn list<'r>(
        &self,
        room: &'r mut [DrawingAttribute<'r>; KINDS],
    ) -> Option<List<'r, DrawingAttribute<'r>, 1>>
    where
        'a: 'r,
    {
        let mut count = 0;
        for (place, attribute) in room.iter_mut().zip(self.kinds.into_iter().flatten()) {
            *place = attribute;
            count += 1;
        }
        let list = room.get(..count).unwrap_or_default();
        (!list.is_empty()).then(|| List::new(list))
    }

    pub(super) fn pen(&mut self, pen: &Pen) -> Result<(), WriteError> {
        let thickness = PenThickness::new(pen.thickness).ok_or(OUT_OF_RANGE)?;
        self.put(DrawingAttribute::PenColor(color(pen.color)));
        self.put(DrawingAttribute::PenThickness(thickness));
        let nib = match pen.nib {
            Nib::Circular => PenNib::Circular,
            Nib::Square => PenNib::Square,
        };
        self.put(DrawingAttribute::PenNib(nib));
        self.put(DrawingAttribute::LineStyle(line_style(pen.style)));
        self.put(DrawingAttribute::Highlight(pen.highlight));
        Ok(())
    }

    /// What a drawing needs not say.
    pub(super) fn without_defaults(mut self, pen: &Pen) -> Self {
        let [_, _, _, nib, style, highlight, ..] = &mut self.kinds;
        let plain = Pen::default();
        if pen.nib == plain.nib {
            *nib = None;
        }
        if pen.style == plain.style {
            *style = None;
        }
        if !pen.highlight {
            *highlight = None;
        }
        self
    }

    pub(super) fn fill(&mut self, fill: Option<Color>) {
        self.put(DrawingAttribute::FillColor(fill.map_or(WorkspaceColor::Transparent, color)));
    }
}

/// Room for [`Attributes::list`].
pub(super) const ROOM: [DrawingAttribute<'static>; KINDS] =
    [DrawingAttribute::Highlight(false); KINDS];
