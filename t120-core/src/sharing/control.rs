//! Who controls, who shares (T.128, base mode).

use super::*;
use crate::gcc::types::NonStandardParameter;
use crate::mcs::UserId;
use crate::per::{Int, List, Octets, choice, sequence};

sequence! {
    /// `ConfirmDetachResponse` (T.128, base mode).
    ConfirmDetachResponse<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ConfirmRemoteShare` (T.128, base mode).
    ConfirmRemoteShare<'a> extensible {
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ConfirmTakeResponse` (T.128, base mode).
    ConfirmTakeResponse<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `ControlPriority` (T.128, base mode).
    ControlPriority<'a> extensible 4 {
        /// `nonStandardControlPriority`.
        0 NonStandardControlPriority(NonStandardParameter<'a>),
        /// `always`.
        1 Always,
        /// `never`.
        2 Never,
        /// `confirm`.
        3 Confirm,
    }
}

sequence! {
    /// `Cooperate` (T.128, base mode).
    Cooperate<'a> extensible {
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DenyDetachResponse` (T.128, base mode).
    DenyDetachResponse<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DenyPassResponse` (T.128, base mode).
    DenyPassResponse<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DenyTakeResponse` (T.128, base mode).
    DenyTakeResponse<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DenyRemoteDetachResponse` (T.128, base mode).
    DenyRemoteDetachResponse<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `DenyRemoteShare` (T.128, base mode).
    DenyRemoteShare<'a> extensible 2 {
        /// `remoteShareDenial`.
        0 RemoteShareDenial(RemoteShareDenial<'a>),
        /// `nonStandardDenial`.
        1 NonStandardDenial(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `Detach` (T.128, base mode).
    Detach<'a> extensible {
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DetachRequest` (T.128, base mode).
    DetachRequest<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `GrantControl` (T.128, base mode).
    GrantControl<'a> extensible {
        /// `grantID`.
        req grant_id: UserId,
        /// `controlID`.
        req control_id: Int<0, 2147483647>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PassControlRequest` (T.128, base mode).
    PassControlRequest<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `RemoteDetachRequest` (T.128, base mode).
    RemoteDetachRequest<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `RemoteShareDenial` (T.128, base mode).
    RemoteShareDenial<'a> extensible 5 {
        /// `nonStandardRemoteShareDenial`.
        0 NonStandardRemoteShareDenial(NonStandardParameter<'a>),
        /// `incorrectPassword`.
        1 IncorrectPassword,
        /// `remoteShareNotEnabled`.
        2 RemoteShareNotEnabled,
        /// `remoteShareInOperationIncoming`.
        3 RemoteShareInOperationIncoming,
        /// `remoteShareInOperationOutgoing`.
        4 RemoteShareInOperationOutgoing,
    }
}

sequence! {
    /// `RequestControl` (T.128, base mode).
    RequestControl<'a> extensible {
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `RequestRemoteShare` (T.128, base mode).
    RequestRemoteShare<'a> extensible {
        /// `requestingID`.
        req requesting_id: UserId,
        /// `encryptedPassword`.
        req encrypted_password: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TakeControlRequest` (T.128, base mode).
    TakeControlRequest<'a> extensible {
        /// `passControlFlag`.
        req pass_control_flag: bool,
        /// `sendingReference`.
        req sending_reference: u16,
        /// `originatorReference`.
        req originator_reference: u16,
        /// `originatorID`.
        req originator_id: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `ApplicationPduAction` (T.128, base mode).
    ApplicationPduAction<'a> extensible 3 {
        /// `nonStandardAction`.
        0 NonStandardAction(NonStandardParameter<'a>),
        /// `notifyHostedApplications`.
        1 NotifyHostedApplications(NotifyHostedApplications<'a>),
        /// `unhostApplication`.
        2 UnhostApplication(UnhostApplication<'a>),
    }
}

choice! {
    /// `ControlPduAction` (T.128, base mode).
    ControlPduAction<'a> extensible 5 {
        /// `nonStandardAction`.
        0 NonStandardAction(NonStandardParameter<'a>),
        /// `requestControl`.
        1 RequestControl(RequestControl<'a>),
        /// `grantControl`.
        2 GrantControl(GrantControl<'a>),
        /// `detach`.
        3 Detach(Detach<'a>),
        /// `cooperate`.
        4 Cooperate(Cooperate<'a>),
    }
}

choice! {
    /// `MediatedControlPduAction` (T.128, base mode).
    MediatedControlPduAction<'a> extensible 11 {
        /// `nonStandardAction`.
        0 NonStandardAction(NonStandardParameter<'a>),
        /// `takeControlRequest`.
        1 TakeControlRequest(TakeControlRequest<'a>),
        /// `passControlRequest`.
        2 PassControlRequest(PassControlRequest<'a>),
        /// `detachRequest`.
        3 DetachRequest(DetachRequest<'a>),
        /// `confirmTakeResponse`.
        4 ConfirmTakeResponse(ConfirmTakeResponse<'a>),
        /// `denyTakeResponse`.
        5 DenyTakeResponse(DenyTakeResponse<'a>),
        /// `confirmDetachResponse`.
        6 ConfirmDetachResponse(ConfirmDetachResponse<'a>),
        /// `denyDetachResponse`.
        7 DenyDetachResponse(DenyDetachResponse<'a>),
        /// `denyPassResponse`.
        8 DenyPassResponse(DenyPassResponse<'a>),
        /// `remoteDetachRequest`.
        9 RemoteDetachRequest(RemoteDetachRequest<'a>),
        /// `denyRemoteDetachResponse`.
        10 DenyRemoteDetachResponse(DenyRemoteDetachResponse<'a>),
    }
}

choice! {
    /// `RemoteSharePduAction` (T.128, base mode).
    RemoteSharePduAction<'a> extensible 4 {
        /// `nonStandardAction`.
        0 NonStandardAction(NonStandardParameter<'a>),
        /// `requestRemoteShare`.
        1 RequestRemoteShare(RequestRemoteShare<'a>),
        /// `confirmRemoteShare`.
        2 ConfirmRemoteShare(ConfirmRemoteShare<'a>),
        /// `denyRemoteShare`.
        3 DenyRemoteShare(DenyRemoteShare<'a>),
    }
}

choice! {
    /// `WindowActivationPduAction` (T.128, base mode).
    WindowActivationPduAction<'a> extensible 12 {
        /// `nonStandardAction`.
        0 NonStandardAction(NonStandardParameter<'a>),
        /// `localWindowActive`.
        1 LocalWindowActive(LocalWindowActiveIndication<'a>),
        /// `hostedWindowActive`.
        2 HostedWindowActive(HostedWindowActiveIndication<'a>),
        /// `hostedWindowInvisible`.
        3 HostedWindowInvisible(HostedWindowInvisibleIndication<'a>),
        /// `pointerDeviceCapture`.
        4 PointerDeviceCapture(PointerDeviceCaptureIndication<'a>),
        /// `activateWindow`.
        5 ActivateWindow(ActivateWindowRequest<'a>),
        /// `closeWindow`.
        6 CloseWindow(CloseWindowRequest<'a>),
        /// `restoreWindow`.
        7 RestoreWindow(RestoreWindowRequest<'a>),
        /// `windowManagerMenu`.
        8 WindowManagerMenu(WindowManagerMenuRequest<'a>),
        /// `activationHelpKey`.
        9 ActivationHelpKey(ActivationHelpKeyRequest<'a>),
        /// `activationHelpIndexKey`.
        10 ActivationHelpIndexKey(ActivationHelpIndexKeyRequest<'a>),
        /// `activationHelpExtendedKey`.
        11 ActivationHelpExtendedKey(ActivationHelpExtendedKeyRequest<'a>),
    }
}
