//! Workspaces (T.126, WorkspaceCreatePDU and its like): pages and their planes.
//!
//! *Unconfirmed* most: the views, and the members of [`WorkspacePlaneCopyPdu`].

use super::types::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{BmpString, Int, List, choice, sequence};

sequence! {
    /// `archiveWorkspace` of a [`WorkspaceIdentifier`].
    ArchiveWorkspace<'a> closed {
        /// `archiveHandle`.
        req archive_handle: Handle,
        /// `entryName`.
        req entry_name: BmpString<'a, 1, 255>,
        /// `modificationTime`: octets of a GeneralizedTime.
        opt modification_time: crate::per::Octets<'a>,
    }
}

choice! {
    /// `WorkspaceIdentifier`.
    WorkspaceIdentifier<'a> closed 2 {
        /// `activeWorkspace`.
        0 ActiveWorkspace(Handle),
        /// `archiveWorkspace`.
        1 ArchiveWorkspace(ArchiveWorkspace<'a>),
    }
}

sequence! {
    /// `WorkspaceSize`, in units of the grid.
    WorkspaceSize closed {
        /// `width`.
        req width: Int<1, 21845>,
        /// `height`.
        req height: Int<1, 21845>,
    }
}

choice! {
    /// `WorkspaceAttribute`.
    WorkspaceAttribute<'a> extensible 3 {
        /// `backgroundColor`.
        0 BackgroundColor(WorkspaceColor),
        /// `preserve`.
        1 Preserve(bool),
        /// `nonStandardAttribute`.
        2 NonStandardAttribute(NonStandardParameter<'a>),
    }
}

choice! {
    /// `PlaneUsage`.
    PlaneUsage<'a> extensible 3 {
        /// `annotation`.
        0 Annotation,
        /// `image`.
        1 Image,
        /// `nonStandardPlaneUsage`.
        2 NonStandardPlaneUsage(NonStandardParameter<'a>),
    }
}

choice! {
    /// `PlaneAttribute`.
    PlaneAttribute<'a> extensible 2 {
        /// `protection`: only those on the access list may change the plane.
        0 Protection(bool),
        /// `nonStandardAttribute`.
        1 NonStandardAttribute(NonStandardParameter<'a>),
    }
}

sequence! {
    /// One of the `planeParameters`.
    PlaneParameters<'a> extensible {
        /// `editable`: whether what stands there can be edited and deleted.
        req editable: bool,
        /// `usage`.
        req usage: List<'a, PlaneUsage<'a>, 1>,
        /// `planeAttributes`.
        opt plane_attributes: List<'a, PlaneAttribute<'a>, 1>,
    }
}

choice! {
    /// `WorkspaceViewState`.
    WorkspaceViewState<'a> extensible 5 {
        /// `hidden`.
        0 Hidden,
        /// `background`.
        1 Background,
        /// `foreground`.
        2 Foreground,
        /// `focus`.
        3 Focus,
        /// `nonStandardState`.
        4 NonStandardState(NonStandardParameter<'a>),
    }
}

choice! {
    /// `WorkspaceViewAttribute`.
    WorkspaceViewAttribute<'a> extensible 3 {
        /// `viewRegion`.
        0 ViewRegion(WorkspaceRegion),
        /// `viewState`.
        1 ViewState(WorkspaceViewState<'a>),
        /// `nonStandardAttribute`.
        2 NonStandardAttribute(NonStandardParameter<'a>),
    }
}

sequence! {
    /// One of the `viewParameters`.
    ViewParameters<'a> extensible {
        /// `viewHandle`.
        req view_handle: Handle,
        /// `viewAttributes`.
        opt view_attributes: List<'a, WorkspaceViewAttribute<'a>, 1>,
    }
}

sequence! {
    /// `WorkspaceCreatePDU`.
    WorkspaceCreatePdu<'a> extensible {
        /// `workspaceIdentifier`.
        req workspace_identifier: WorkspaceIdentifier<'a>,
        /// `appRosterInstance`.
        req app_roster_instance: u16,
        /// `synchronized`: whether changes go through the top, so that all see them in one order.
        req synchronized: bool,
        /// `acceptKeyboardEvents`.
        req accept_keyboard_events: bool,
        /// `acceptPointingDeviceEvents`.
        req accept_pointing_device_events: bool,
        /// `protectedPlaneAccessList`.
        opt protected_plane_access_list: List<'a, Int<1001, 65535>, 1>,
        /// `workspaceSize`.
        req workspace_size: WorkspaceSize,
        /// `workspaceAttributes`.
        opt workspace_attributes: List<'a, WorkspaceAttribute<'a>, 1>,
        /// `planeParameters`, for the planes from 0 on.
        req plane_parameters: List<'a, PlaneParameters<'a>, 1, 256>,
        /// `viewParameters`.
        opt view_parameters: List<'a, ViewParameters<'a>, 1>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `WorkspaceCreateAcknowledgePDU`.
    WorkspaceCreateAcknowledgePdu<'a> extensible {
        /// `workspaceIdentifier`.
        req workspace_identifier: WorkspaceIdentifier<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `WorkspaceDeleteReason`.
    WorkspaceDeleteReason<'a> extensible 3 {
        /// `userInitiated`.
        0 UserInitiated,
        /// `insufficientStorage`.
        1 InsufficientStorage,
        /// `nonStandardReason`.
        2 NonStandardReason(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `WorkspaceDeletePDU`.
    WorkspaceDeletePdu<'a> extensible {
        /// `workspaceIdentifier`.
        req workspace_identifier: WorkspaceIdentifier<'a>,
        /// `reason`.
        req reason: WorkspaceDeleteReason<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// One of the `planeEdits`.
    PlaneEdit<'a> closed {
        /// `plane`.
        req plane: DataPlaneId,
        /// `planeAttributes`.
        req plane_attributes: List<'a, PlaneAttribute<'a>, 1>,
    }
}

choice! {
    /// `action` of a [`ViewEdit`].
    ViewEditAction<'a> extensible 4 {
        /// `createNewView`.
        0 CreateNewView(List<'a, WorkspaceViewAttribute<'a>>),
        /// `editView`.
        1 EditView(List<'a, WorkspaceViewAttribute<'a>>),
        /// `deleteView`.
        2 DeleteView,
        /// `nonStandardAction`.
        3 NonStandardAction(NonStandardParameter<'a>),
    }
}

sequence! {
    /// One of the `viewEdits`.
    ViewEdit<'a> closed {
        /// `viewHandle`.
        req view_handle: Handle,
        /// `action`.
        req action: ViewEditAction<'a>,
    }
}

sequence! {
    /// `WorkspaceEditPDU`.
    WorkspaceEditPdu<'a> extensible {
        /// `workspaceIdentifier`.
        req workspace_identifier: WorkspaceIdentifier<'a>,
        /// `attributeEdits`.
        opt attribute_edits: List<'a, WorkspaceAttribute<'a>, 1>,
        /// `planeEdits`.
        opt plane_edits: List<'a, PlaneEdit<'a>, 1, 256>,
        /// `viewEdits`.
        opt view_edits: List<'a, ViewEdit<'a>, 1>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `WorkspacePlaneCopyPDU`.
    WorkspacePlaneCopyPdu<'a> extensible {
        /// `sourceWorkspaceIdentifier`.
        req source_workspace_identifier: WorkspaceIdentifier<'a>,
        /// `sourcePlane`.
        req source_plane: DataPlaneId,
        /// `destinationWorkspaceIdentifier`.
        req destination_workspace_identifier: WorkspaceIdentifier<'a>,
        /// `destinationPlane`.
        req destination_plane: DataPlaneId,
        /// `sourceRegion`.
        opt source_region: WorkspaceRegion,
        /// `destinationRegion`.
        opt destination_region: WorkspaceRegion,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `WorkspaceReadyPDU`.
    WorkspaceReadyPdu<'a> extensible {
        /// `workspaceIdentifier`.
        req workspace_identifier: WorkspaceIdentifier<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `WorkspaceRefreshStatusPDU`.
    WorkspaceRefreshStatusPdu<'a> extensible {
        /// `refreshStatus`: who sends it has the whole workspace, and can give it to others.
        req refresh_status: bool,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}
