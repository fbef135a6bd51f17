//! Drawings (T.126, DrawingCreatePDU and its like).
//!
//! *Unconfirmed* beyond the order of the members: whether `destinationAddress` is a choice of its
//! own, and the root alternatives of [`DrawingAttribute`].

use super::types::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{Int, List, choice, sequence};

choice! {
    /// `PenNib`.
    PenNib<'a> extensible 3 {
        /// `circular`.
        0 Circular,
        /// `square`.
        1 Square,
        /// `nonStandardNib`.
        2 NonStandardNib(NonStandardParameter<'a>),
    }
}

choice! {
    /// `LineStyle`.
    LineStyle<'a> extensible 7 {
        /// `solid`.
        0 Solid,
        /// `dashed`.
        1 Dashed,
        /// `dotted`.
        2 Dotted,
        /// `dashDot`.
        3 DashDot,
        /// `dashDotDot`.
        4 DashDotDot,
        /// `twoTone`.
        5 TwoTone,
        /// `nonStandardStyle`.
        6 NonStandardStyle(NonStandardParameter<'a>),
    }
}

choice! {
    /// `DrawingAttribute`.
    DrawingAttribute<'a> extensible 9 {
        /// `penColor`.
        0 PenColor(WorkspaceColor),
        /// `fillColor`.
        1 FillColor(WorkspaceColor),
        /// `penThickness`.
        2 PenThickness(PenThickness),
        /// `penNib`.
        3 PenNib(PenNib<'a>),
        /// `lineStyle`.
        4 LineStyle(LineStyle<'a>),
        /// `highlight`: what lies below shows through.
        5 Highlight(bool),
        /// `viewState`.
        6 ViewState(ViewState<'a>),
        /// `zOrder`.
        7 ZOrder(ZOrder),
        /// `nonStandardAttribute`.
        8 NonStandardAttribute(NonStandardParameter<'a>),
    }
}

choice! {
    /// `DrawingType`.
    DrawingType<'a> extensible 6 {
        /// `point`.
        0 Point,
        /// `openPolyLine`.
        1 OpenPolyLine,
        /// `closedPolyLine`.
        2 ClosedPolyLine,
        /// `rectangle`.
        3 Rectangle,
        /// `ellipse`.
        4 Ellipse,
        /// `nonStandardDrawingType`.
        5 NonStandardDrawingType(NonStandardParameter<'a>),
    }
}

choice! {
    /// `DrawingDestinationAddress`.
    DrawingDestinationAddress<'a> extensible 2 {
        /// `softCopyAnnotationPlane`.
        0 SoftCopyAnnotationPlane(SoftCopyDataPlaneAddress),
        /// `nonStandardDestination`.
        1 NonStandardDestination(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `RotationSpecifier`.
    RotationSpecifier closed {
        /// `rotationAngle`, in sixtieths of a degree.
        req rotation_angle: Int<0, 21599>,
        /// `rotationAxis`, from the anchor point.
        req rotation_axis: PointDiff16,
    }
}

sequence! {
    /// `DrawingCreatePDU`.
    DrawingCreatePdu<'a> extensible {
        /// `drawingHandle`: without one it cannot be edited nor deleted alone.
        opt drawing_handle: Handle,
        /// `destinationAddress`.
        req destination_address: DrawingDestinationAddress<'a>,
        /// `drawingType`.
        req drawing_type: DrawingType<'a>,
        /// `attributes`.
        opt attributes: List<'a, DrawingAttribute<'a>, 1>,
        /// `anchorPoint`.
        req anchor_point: WorkspacePoint,
        /// `rotation`.
        opt rotation: RotationSpecifier,
        /// `sampleRate`, in points a second.
        opt sample_rate: Int<1, 65535>,
        /// `pointList`.
        req point_list: PointList<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `DrawingDeletePDU`.
    DrawingDeletePdu<'a> extensible {
        /// `drawingHandle`.
        req drawing_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// One of the `pointListEdits`.
    PointListEdit<'a> closed {
        /// `initialIndex`: the point that is edited first; the anchor point is 0.
        req initial_index: u16,
        /// `initialPointEdit`: how far it then is from the anchor point.
        req initial_point_edit: PointDiff16,
        /// `subsequentPointEdits`: the points behind it, each from the one before.
        opt subsequent_point_edits: PointList<'a>,
    }
}

sequence! {
    /// `DrawingEditPDU`.
    DrawingEditPdu<'a> extensible {
        /// `drawingHandle`.
        req drawing_handle: Handle,
        /// `attributeEdits`.
        opt attribute_edits: List<'a, DrawingAttribute<'a>, 1>,
        /// `anchorPointEdit`.
        opt anchor_point_edit: WorkspacePoint,
        /// `rotationEdit`.
        opt rotation_edit: RotationSpecifier,
        /// `pointListEdits`.
        opt point_list_edits: List<'a, PointListEdit<'a>, 1, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}
