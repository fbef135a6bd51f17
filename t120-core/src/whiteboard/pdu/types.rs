//! What the PDUs of more than one kind are made of.

use crate::gcc::types::NonStandardParameter;
use crate::per::{Int, List, choice, integer, sequence};

/// `Handle`: names a workspace, an object or an archive, in the whole conference.
pub type Handle = u32;

/// `nonStandardParameters` of a PDU.
pub type NonStandardParameters<'a> = List<'a, NonStandardParameter<'a>>;

/// A coordinate of a workspace: 0 to 21845 is the page, and as much on each side of it.
pub type WorkspaceCoordinate = Int<-21845, 43690>;

/// `DataPlaneID`: a plane of a workspace, from 0.
pub type DataPlaneId = u8;

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
    /// `WorkspaceRegion`.
    WorkspaceRegion closed {
        /// `upperLeft`.
        req upper_left: WorkspacePoint,
        /// `lowerRight`.
        req lower_right: WorkspacePoint,
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
    /// `ViewState` of an object.
    ViewState<'a> extensible 4 {
        /// `unselected`.
        0 Unselected,
        /// `selected`.
        1 Selected,
        /// `hidden`.
        2 Hidden,
        /// `nonStandardViewState`.
        3 NonStandardViewState(NonStandardParameter<'a>),
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

sequence! {
    /// `SoftCopyDataPlaneAddress`: a plane of a workspace.
    SoftCopyDataPlaneAddress closed {
        /// `workspaceHandle`.
        req workspace_handle: Handle,
        /// `plane`.
        req plane: DataPlaneId,
    }
}

sequence! {
    /// `SoftCopyPointerPlaneAddress`: the plane above all others, for pointers.
    SoftCopyPointerPlaneAddress closed {
        /// `workspaceHandle`.
        req workspace_handle: Handle,
    }
}

sequence! {
    /// `SINonStandardPDU`.
    SiNonStandardPdu<'a> extensible {
        /// `nonStandardTransaction`.
        req non_standard_transaction: NonStandardParameter<'a>,
    }
}
