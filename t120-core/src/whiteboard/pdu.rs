//! The PDUs of a still image conference, in aligned PER (T.126, SI-PROTOCOL).
//!
//! The Recommendation's module was not at hand when these tables were made: they follow its text
//! from memory, and the number of root alternatives of [`SiPdu`] from Microsoft's description of
//! its extensions. No independent encoder has confirmed any of it. Each correction is one line of
//! a table.

use crate::gcc::types::NonStandardParameter;
use crate::per::{BmpString, Int, List, choice, integer, sequence};

/// `Handle`: names a workspace or an object, in the whole conference.
pub type Handle = u32;

/// A coordinate of a workspace: 0 to 21845 is the page, and as much on each side of it.
pub type WorkspaceCoordinate = Int<-21845, 43690>;

sequence! {
    /// `WorkspacePoint`.
    WorkspacePoint closed {
        /// `xCoordinate`.
        req x_coordinate: WorkspaceCoordinate,
        /// `yCoordinate`.
        req y_coordinate: WorkspaceCoordinate,
    }
}

sequence! {
    /// `PointDiff16`: how far a point is from the one before it.
    PointDiff16 closed {
        /// `xCoordinate`.
        req x_coordinate: Int<-32768, 32767>,
        /// `yCoordinate`.
        req y_coordinate: Int<-32768, 32767>,
    }
}

sequence! {
    /// `PointDiff8`: how far a point is from the one before it.
    PointDiff8 closed {
        /// `xCoordinate`.
        req x_coordinate: Int<-128, 127>,
        /// `yCoordinate`.
        req y_coordinate: Int<-128, 127>,
    }
}

sequence! {
    /// `PointDiff4`: how far a point is from the one before it.
    PointDiff4 closed {
        /// `xCoordinate`.
        req x_coordinate: Int<-8, 7>,
        /// `yCoordinate`.
        req y_coordinate: Int<-8, 7>,
    }
}

choice! {
    /// `PointList`: the points behind the anchor point.
    PointList<'a> closed 3 {
        /// `pointsDiff4`.
        0 PointsDiff4(List<'a, PointDiff4, 0, 255>),
        /// `pointsDiff8`.
        1 PointsDiff8(List<'a, PointDiff8, 0, 255>),
        /// `pointsDiff16`.
        2 PointsDiff16(List<'a, PointDiff16, 0, 255>),
    }
}

sequence! {
    /// `ColorRGB`.
    ColorRgb closed {
        /// `r`.
        req r: u8,
        /// `g`.
        req g: u8,
        /// `b`.
        req b: u8,
    }
}

choice! {
    /// `WorkspaceColor`.
    WorkspaceColor extensible 3 {
        /// `workspacePaletteIndex`.
        0 WorkspacePaletteIndex(u8),
        /// `rgbTrueColor`.
        1 RgbTrueColor(ColorRgb),
        /// `transparent`.
        2 Transparent,
    }
}

integer! {
    /// `PenThickness`, in units of the workspace's grid.
    PenThickness: u8 = 1, 255
}

choice! {
    /// `LineStyle`.
    LineStyle extensible 6 {
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
    }
}

choice! {
    /// `ZOrder`.
    ZOrder closed 2 {
        /// `front`.
        0 Front,
        /// `back`.
        1 Back,
    }
}

choice! {
    /// `DrawingAttribute`.
    DrawingAttribute<'a> extensible 7 {
        /// `penColor`.
        0 PenColor(WorkspaceColor),
        /// `fillColor`.
        1 FillColor(WorkspaceColor),
        /// `penThickness`.
        2 PenThickness(PenThickness),
        /// `lineStyle`.
        3 LineStyle(LineStyle),
        /// `highlight`.
        4 Highlight(bool),
        /// `zOrder`.
        5 ZOrder(ZOrder),
        /// `nonStandardAttribute`.
        6 NonStandardAttribute(NonStandardParameter<'a>),
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

sequence! {
    /// `SoftCopyDataPlaneAddress`: a plane of a workspace.
    SoftCopyDataPlaneAddress closed {
        /// `workspaceHandle`.
        req workspace_handle: Handle,
        /// `plane`.
        req plane: u8,
    }
}

sequence! {
    /// `DrawingCreatePDU`.
    DrawingCreatePdu<'a> extensible {
        /// `drawingHandle`.
        opt drawing_handle: Handle,
        /// `destinationAddress`.
        req destination_address: SoftCopyDataPlaneAddress,
        /// `drawingType`.
        req drawing_type: DrawingType<'a>,
        /// `attributes`.
        opt attributes: List<'a, DrawingAttribute<'a>, 1>,
        /// `anchorPoint`.
        req anchor_point: WorkspacePoint,
        /// `sampleRate`, in points a second.
        opt sample_rate: Int<1, 65535>,
        /// `pointList`.
        req point_list: PointList<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DrawingDeletePDU`.
    DrawingDeletePdu<'a> extensible {
        /// `drawingHandle`.
        req drawing_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TextCreatePDU`.
    TextCreatePdu<'a> extensible {
        /// `textHandle`.
        req text_handle: Handle,
        /// `destinationAddress`.
        req destination_address: SoftCopyDataPlaneAddress,
        /// `attributes`.
        opt attributes: List<'a, DrawingAttribute<'a>, 1>,
        /// `anchorPoint`: where the first line begins.
        req anchor_point: WorkspacePoint,
        /// `textHeight`, in units of the workspace's grid.
        req text_height: u16,
        /// `textString`.
        req text_string: BmpString<'a, 1, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TextDeletePDU`.
    TextDeletePdu<'a> extensible {
        /// `textHandle`.
        req text_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `WorkspaceRefreshStatusPDU`.
    WorkspaceRefreshStatusPdu<'a> extensible {
        /// `refreshStatus`: who sends it has the whole workspace, and can give it to others.
        req refresh_status: bool,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `SINonStandardPDU`.
    SiNonStandardPdu<'a> extensible {
        /// `nonStandardTransaction`.
        req non_standard_transaction: NonStandardParameter<'a>,
    }
}

choice! {
    /// `SIPDU`: the root has 28 alternatives in the order of their names, of which those with no
    /// number here are not built.
    SiPdu<'a> extensible 28 {
        /// `drawingCreatePDU`.
        12 DrawingCreate(DrawingCreatePdu<'a>),
        /// `drawingDeletePDU`.
        13 DrawingDelete(DrawingDeletePdu<'a>),
        /// `siNonStandardPDU`.
        20 NonStandard(SiNonStandardPdu<'a>),
        /// `workspaceRefreshStatusPDU`.
        27 WorkspaceRefreshStatus(WorkspaceRefreshStatusPdu<'a>),
    } additions {
        /// `textCreatePDU`.
        1 TextCreate(TextCreatePdu<'a>),
        /// `textDeletePDU`.
        2 TextDelete(TextDeletePdu<'a>),
    }
}
