//! Windows and their activation (T.128, base mode).

use super::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{Flags, Int, List, choice, sequence};

/// `WindowAttributeFlags` (T.128, base mode).
pub type WindowAttributeFlags = Flags;

sequence! {
    /// `ActivateWindowRequest` (T.128, base mode).
    ActivateWindowRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ActivationHelpKeyRequest` (T.128, base mode).
    ActivationHelpKeyRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ActivationHelpIndexKeyRequest` (T.128, base mode).
    ActivationHelpIndexKeyRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ActivationHelpExtendedKeyRequest` (T.128, base mode).
    ActivationHelpExtendedKeyRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `CloseWindowRequest` (T.128, base mode).
    CloseWindowRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `HostedWindowActiveIndication` (T.128, base mode).
    HostedWindowActiveIndication<'a> extensible {
        /// `activationID`.
        req activation_id: u16,
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `HostedWindowInvisibleIndication` (T.128, base mode).
    HostedWindowInvisibleIndication<'a> extensible {
        /// `activationID`.
        req activation_id: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `LocalWindowActiveIndication` (T.128, base mode).
    LocalWindowActiveIndication<'a> extensible {
        /// `activationID`.
        req activation_id: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `NotifyHostedApplications` (T.128, base mode).
    NotifyHostedApplications<'a> extensible {
        /// `numberApplications`.
        req number_applications: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PointerDeviceCaptureIndication` (T.128, base mode).
    PointerDeviceCaptureIndication<'a> extensible {
        /// `activationID`.
        req activation_id: u16,
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `RestoreWindowRequest` (T.128, base mode).
    RestoreWindowRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UnhostApplication` (T.128, base mode).
    UnhostApplication<'a> extensible {
        /// `windowID`.
        req window_id: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `WindowAttribute` (T.128, base mode).
    WindowAttribute<'a> extensible {
        /// `windowID`.
        req window_id: u32,
        /// `windowExtra`.
        req window_extra: u32,
        /// `windowOwner`.
        req window_owner: u32,
        /// `windowFlags`.
        req window_flags: WindowAttributeFlags,
        /// `windowRectangle`.
        req window_rectangle: Rectangle16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `WindowManagerMenuRequest` (T.128, base mode).
    WindowManagerMenuRequest<'a> extensible {
        /// `activationWindow`.
        req activation_window: u32,
        /// `activationPoint`.
        req activation_point: Point16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `WindowTitle` (T.128, base mode).
    WindowTitle<'a> extensible 3 {
        /// `noTitle`.
        0 NoTitle(Int<255, 255>),
        /// `titleString`.
        1 TitleString(T50String<'a>),
        /// `nonStandardWindowTitle`.
        2 NonStandardWindowTitle(NonStandardParameter<'a>),
    }
}
