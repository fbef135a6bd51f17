//! Fonts, pointers, and what the user does (T.128, base mode).

use super::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{Flags, List, Octets, choice, sequence};

/// `FontAttributeFlags` (T.128, base mode).
pub type FontAttributeFlags = Flags;

/// `KeyboardFlags` (T.128, base mode).
pub type KeyboardFlags = Flags;

/// `PointingDeviceFlags` (T.128, base mode).
pub type PointingDeviceFlags = Flags;

sequence! {
    /// `ColorPointerAttribute` (T.128, base mode).
    ColorPointerAttribute<'a> extensible {
        /// `cacheIndex`.
        req cache_index: u16,
        /// `hotSpot`.
        req hot_spot: Point16,
        /// `width`.
        req width: u16,
        /// `height`.
        req height: u16,
        /// `colorPointerData`.
        req color_pointer_data: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `FontAttribute` (T.128, base mode).
    FontAttribute<'a> extensible {
        /// `faceName`.
        req face_name: T50String<'a>,
        /// `fontFlags`.
        req font_flags: FontAttributeFlags,
        /// `averageWidth`.
        req average_width: u16,
        /// `height`.
        req height: u16,
        /// `aspectX`.
        req aspect_x: u16,
        /// `aspectY`.
        req aspect_y: u16,
        /// `signature1`.
        req signature1: u8,
        /// `signature2`.
        req signature2: u8,
        /// `signature3`.
        req signature3: u16,
        /// `codePage`.
        req code_page: FontCodePage<'a>,
        /// `ascent`.
        req ascent: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `FontCodePage` (T.128, base mode).
    FontCodePage<'a> extensible 3 {
        /// `nonStandardFontCodePage`.
        0 NonStandardFontCodePage(NonStandardParameter<'a>),
        /// `allCodePoints`.
        1 AllCodePoints,
        /// `coreCodePoints`.
        2 CoreCodePoints,
    }
}

sequence! {
    /// `MonoPointerAttribute` (T.128, base mode).
    MonoPointerAttribute<'a> extensible {
        /// `hotSpot`.
        req hot_spot: Point16,
        /// `width`.
        req width: u16,
        /// `height`.
        req height: u16,
        /// `monoPointerData`.
        req mono_pointer_data: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `SystemPointerType` (T.128, base mode).
    SystemPointerType<'a> extensible 3 {
        /// `nonStandardSystemPointerValue`.
        0 NonStandardSystemPointerValue(NonStandardParameter<'a>),
        /// `null`.
        1 Null,
        /// `default`.
        2 Default,
    }
}

choice! {
    /// `InputEvent` (T.128, base mode).
    InputEvent<'a> extensible 5 {
        /// `nonStandardInputEvent`.
        0 NonStandardInputEvent(NonStandardParameter<'a>),
        /// `synchronizeEvent`.
        1 SynchronizeEvent(SynchronizeEvent<'a>),
        /// `codePointEvent`.
        2 CodePointEvent(CodePointEvent<'a>),
        /// `virtualKeyEvent`.
        3 VirtualKeyEvent(VirtualKeyEvent<'a>),
        /// `pointingDeviceEvent`.
        4 PointingDeviceEvent(PointingDeviceEvent<'a>),
    }
}

sequence! {
    /// `CodePointEvent` (T.128, base mode).
    CodePointEvent<'a> extensible {
        /// `eventTime`.
        req event_time: u32,
        /// `keyboardFlags`.
        req keyboard_flags: KeyboardFlags,
        /// `codePoint`.
        req code_point: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `VirtualKeyEvent` (T.128, base mode).
    VirtualKeyEvent<'a> extensible {
        /// `eventTime`.
        req event_time: u32,
        /// `keyboardFlags`.
        req keyboard_flags: KeyboardFlags,
        /// `virtualKey`.
        req virtual_key: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PointingDeviceEvent` (T.128, base mode).
    PointingDeviceEvent<'a> extensible {
        /// `eventTime`.
        req event_time: u32,
        /// `pointingDeviceFlags`.
        req pointing_device_flags: PointingDeviceFlags,
        /// `pointingDeviceX`.
        req pointing_device_x: Coordinate16,
        /// `pointingDeviceY`.
        req pointing_device_y: Coordinate16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `SynchronizeEvent` (T.128, base mode).
    SynchronizeEvent<'a> extensible {
        /// `eventTime`.
        req event_time: u32,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `PointerPduPointerData` (T.128, base mode).
    PointerPduPointerData<'a> extensible 6 {
        /// `nonStandardPointer`.
        0 NonStandardPointer(NonStandardParameter<'a>),
        /// `systemPointerType`.
        1 SystemPointerType(SystemPointerType<'a>),
        /// `monoPointerAttribute`.
        2 MonoPointerAttribute(MonoPointerAttribute<'a>),
        /// `pointerPosition`.
        3 PointerPosition(Point16),
        /// `colorPointerAttribute`.
        4 ColorPointerAttribute(ColorPointerAttribute<'a>),
        /// `cachedPointerIndex`.
        5 CachedPointerIndex(u16),
    }
}
