//! Archives, remote events, remote print and the conductor's privileges (T.126).
//!
//! *Unconfirmed* in their members throughout. The board keeps no state of them: they are read and
//! written for hosts that want them.

use super::bitmap::BitmapDestinationAddress;
use super::types::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{BmpString, Int, List, choice, sequence};

/// `MCSUserID` (T.125, UserId).
pub type McsUserId = Int<1001, 65535>;

sequence! {
    /// `ArchiveAcknowledgePDU`.
    ArchiveAcknowledgePdu<'a> extensible {
        /// `archiveHandle`.
        req archive_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `ArchiveClosePDU`.
    ArchiveClosePdu<'a> extensible {
        /// `archiveHandle`.
        req archive_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `ArchiveError`.
    ArchiveError<'a> extensible 7 {
        /// `entryAlreadyExists`.
        0 EntryAlreadyExists,
        /// `entryNotFound`.
        1 EntryNotFound,
        /// `archiveAlreadyExists`.
        2 ArchiveAlreadyExists,
        /// `archiveNotFound`.
        3 ArchiveNotFound,
        /// `accessDenied`.
        4 AccessDenied,
        /// `insufficientStorage`.
        5 InsufficientStorage,
        /// `nonStandardError`.
        6 NonStandardError(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ArchiveErrorPDU`.
    ArchiveErrorPdu<'a> extensible {
        /// `archiveHandle`.
        req archive_handle: Handle,
        /// `entryName`.
        opt entry_name: BmpString<'a, 1, 255>,
        /// `errorCode`.
        req error_code: ArchiveError<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `ArchiveMode`.
    ArchiveMode closed {
        /// `create`.
        req create: bool,
        /// `read`.
        req read: bool,
        /// `write`.
        req write: bool,
    }
}

sequence! {
    /// `ArchiveOpenPDU`.
    ArchiveOpenPdu<'a> extensible {
        /// `mode`.
        req mode: ArchiveMode,
        /// `archiveHandle`.
        req archive_handle: Handle,
        /// `archiveName`.
        req archive_name: BmpString<'a, 1, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `ConductablePrivilege`.
    ConductablePrivilege<'a> extensible 5 {
        /// `workspacePrivilege`.
        0 WorkspacePrivilege,
        /// `annotationPrivilege`.
        1 AnnotationPrivilege,
        /// `imagePrivilege`.
        2 ImagePrivilege,
        /// `pointingPrivilege`.
        3 PointingPrivilege,
        /// `nonStandardPrivilege`.
        4 NonStandardPrivilege(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ConductorPrivilegeGrantPDU`.
    ConductorPrivilegeGrantPdu<'a> extensible {
        /// `destinationUserID`.
        req destination_user_id: McsUserId,
        /// `privilegeList`.
        req privilege_list: List<'a, ConductablePrivilege<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `ConductorPrivilegeRequestPDU`.
    ConductorPrivilegeRequestPdu<'a> extensible {
        /// `privilegeList`.
        req privilege_list: List<'a, ConductablePrivilege<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `RemoteEventPermission`.
    RemoteEventPermission<'a> extensible 3 {
        /// `keyboardEvent`.
        0 KeyboardEvent,
        /// `pointingDeviceEvent`.
        1 PointingDeviceEvent,
        /// `nonStandardEvent`.
        2 NonStandardEvent(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `RemoteEventPermissionGrantPDU`.
    RemoteEventPermissionGrantPdu<'a> extensible {
        /// `destinationUserID`.
        req destination_user_id: McsUserId,
        /// `workspaceHandle`.
        req workspace_handle: Handle,
        /// `remoteEventPermissionList`.
        req remote_event_permission_list: List<'a, RemoteEventPermission<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `RemoteEventPermissionRequestPDU`.
    RemoteEventPermissionRequestPdu<'a> extensible {
        /// `workspaceHandle`.
        req workspace_handle: Handle,
        /// `remoteEventPermissionList`.
        req remote_event_permission_list: List<'a, RemoteEventPermission<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `RemoteEventDestinationAddress`.
    RemoteEventDestinationAddress<'a> extensible 2 {
        /// `softCopyWorkspace`.
        0 SoftCopyWorkspace(Handle),
        /// `nonStandardDestination`.
        1 NonStandardDestination(NonStandardParameter<'a>),
    }
}

choice! {
    /// `KeyModifier`.
    KeyModifier<'a> extensible 7 {
        /// `leftAlt`.
        0 LeftAlt,
        /// `rightAlt`.
        1 RightAlt,
        /// `leftShift`.
        2 LeftShift,
        /// `rightShift`.
        3 RightShift,
        /// `leftControl`.
        4 LeftControl,
        /// `rightControl`.
        5 RightControl,
        /// `nonStandardModifier`.
        6 NonStandardModifier(NonStandardParameter<'a>),
    }
}

choice! {
    /// `KeyPressState`.
    KeyPressState<'a> extensible 4 {
        /// `none`: pressed and released.
        0 None,
        /// `keyPress`.
        1 KeyPress,
        /// `keyRelease`.
        2 KeyRelease,
        /// `nonStandardKeyPressState`.
        3 NonStandardKeyPressState(NonStandardParameter<'a>),
    }
}

choice! {
    /// `KeyboardEvent`: which key.
    KeyboardEvent<'a> extensible 2 {
        /// `character`: a unit of UTF-16.
        0 Character(u16),
        /// `nonStandardKey`.
        1 NonStandardKey(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `RemoteKeyboardEventPDU`.
    RemoteKeyboardEventPdu<'a> extensible {
        /// `destinationAddress`.
        req destination_address: RemoteEventDestinationAddress<'a>,
        /// `keyModifierStates`.
        opt key_modifier_states: List<'a, KeyModifier<'a>, 1>,
        /// `keyPressState`.
        req key_press_state: KeyPressState<'a>,
        /// `keyboardEvent`.
        req keyboard_event: KeyboardEvent<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `ButtonEvent`.
    ButtonEvent<'a> extensible 6 {
        /// `buttonUp`.
        0 ButtonUp,
        /// `buttonDown`.
        1 ButtonDown,
        /// `buttonDoubleClick`.
        2 ButtonDoubleClick,
        /// `buttonTripleClick`.
        3 ButtonTripleClick,
        /// `buttonQuadClick`.
        4 ButtonQuadClick,
        /// `nonStandardButtonEvent`.
        5 NonStandardButtonEvent(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `RemotePointingDeviceEventPDU`.
    RemotePointingDeviceEventPdu<'a> extensible {
        /// `destinationAddress`.
        req destination_address: RemoteEventDestinationAddress<'a>,
        /// `leftButtonState`.
        req left_button_state: ButtonEvent<'a>,
        /// `middleButtonState`.
        req middle_button_state: ButtonEvent<'a>,
        /// `rightButtonState`.
        req right_button_state: ButtonEvent<'a>,
        /// `initialPoint`.
        req initial_point: WorkspacePoint,
        /// `sampleRate`, in points a second.
        opt sample_rate: Int<1, 65535>,
        /// `pointList`.
        opt point_list: PointList<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `RemotePrintPDU`.
    RemotePrintPdu<'a> extensible {
        /// `destinationAddress`.
        req destination_address: BitmapDestinationAddress<'a>,
        /// `numberOfCopies`.
        opt number_of_copies: u16,
        /// `portrait`.
        req portrait: bool,
        /// `regionOfInterest`.
        opt region_of_interest: WorkspaceRegion,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}
