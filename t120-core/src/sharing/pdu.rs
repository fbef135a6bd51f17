//! The PDUs of application sharing and their repertoire (T.128, base mode).

use super::*;
use crate::gcc::types::NonStandardParameter;
use crate::mcs::UserId;
use crate::per::{Int, List, choice, sequence};

sequence! {
    /// `ShareDataHeader` (T.128, base mode).
    ShareDataHeader<'a> extensible {
        /// `shareID`.
        req share_id: u32,
        /// `generalCompressionSpecifier`.
        opt general_compression_specifier: GeneralCompressionSpecifier<'a>,
    }
}

sequence! {
    /// `ApplicationPDU` (T.128, base mode).
    ApplicationPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `action`.
        req action: ApplicationPduAction<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ControlPDU` (T.128, base mode).
    ControlPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `action`.
        req action: ControlPduAction<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `FlowResponsePDU` (T.128, base mode).
    FlowResponsePdu<'a> extensible {
        /// `flowIdentifier`.
        req flow_identifier: Int<0, 127>,
        /// `flowNumber`.
        req flow_number: u8,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `FlowStopPDU` (T.128, base mode).
    FlowStopPdu<'a> extensible {
        /// `flowIdentifier`.
        req flow_identifier: Int<0, 127>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `FlowTestPDU` (T.128, base mode).
    FlowTestPdu<'a> extensible {
        /// `flowIdentifier`.
        req flow_identifier: Int<0, 127>,
        /// `flowNumber`.
        req flow_number: u8,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `FontPDU` (T.128, base mode).
    FontPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `fontList`.
        req font_list: List<'a, FontAttribute<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `InputPDU` (T.128, base mode).
    InputPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `eventList`.
        req event_list: List<'a, InputEvent<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MediatedControlPDU` (T.128, base mode).
    MediatedControlPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `action`.
        req action: MediatedControlPduAction<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PointerPDU` (T.128, base mode).
    PointerPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `pointerData`.
        req pointer_data: PointerPduPointerData<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `RemoteSharePDU` (T.128, base mode).
    RemoteSharePdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `action`.
        req action: RemoteSharePduAction<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `SynchronizePDU` (T.128, base mode).
    SynchronizePdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `targetUser`.
        req target_user: UserId,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UpdateBitmapPDU` (T.128, base mode).
    UpdateBitmapPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `destLeft`.
        req dest_left: Coordinate16,
        /// `destTop`.
        req dest_top: Coordinate16,
        /// `destRight`.
        req dest_right: Coordinate16,
        /// `destBottom`.
        req dest_bottom: Coordinate16,
        /// `width`.
        req width: u16,
        /// `height`.
        req height: u16,
        /// `bitsPerPixel`.
        req bits_per_pixel: Int<1, 8>,
        /// `compressedFlag`.
        req compressed_flag: bool,
        /// `bitmapData`.
        req bitmap_data: BitmapData<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UpdateOrdersPDU` (T.128, base mode).
    UpdateOrdersPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `orderList`.
        req order_list: List<'a, UpdateOrder<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UpdatePalettePDU` (T.128, base mode).
    UpdatePalettePdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `palette`.
        req palette: ColorPalette<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `UpdateSynchronizePDU` (T.128, base mode).
    UpdateSynchronizePdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `WindowActivationPDU` (T.128, base mode).
    WindowActivationPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `action`.
        req action: WindowActivationPduAction<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `WindowListPDU` (T.128, base mode).
    WindowListPdu<'a> extensible {
        /// `shareDataHeader`.
        req share_data_header: ShareDataHeader<'a>,
        /// `listTime`.
        req list_time: u16,
        /// `listID`.
        req list_id: u16,
        /// `windowAttributeList`.
        req window_attribute_list: List<'a, WindowAttribute<'a>>,
        /// `windowTitleList`.
        req window_title_list: List<'a, WindowTitle<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ASNonStandardPDU` (T.128, base mode).
    AsNonStandardPdu<'a> extensible {
        /// `nonStandardParameter`.
        req non_standard_parameter: NonStandardParameter<'a>,
    }
}

choice! {
    /// `SharePDU` (T.128, base mode).
    SharePdu<'a> extensible 18 {
        /// `asNonStandardPDU`.
        0 AsNonStandardPdu(AsNonStandardPdu<'a>),
        /// `updateOrdersPDU`.
        1 UpdateOrdersPdu(UpdateOrdersPdu<'a>),
        /// `updateBitmapPDU`.
        2 UpdateBitmapPdu(UpdateBitmapPdu<'a>),
        /// `updatePalettePDU`.
        3 UpdatePalettePdu(UpdatePalettePdu<'a>),
        /// `updateSynchronizePDU`.
        4 UpdateSynchronizePdu(UpdateSynchronizePdu<'a>),
        /// `fontPDU`.
        5 FontPdu(FontPdu<'a>),
        /// `controlPDU`.
        6 ControlPdu(ControlPdu<'a>),
        /// `windowActivationPDU`.
        7 WindowActivationPdu(WindowActivationPdu<'a>),
        /// `windowListPDU`.
        8 WindowListPdu(WindowListPdu<'a>),
        /// `applicationPDU`.
        9 ApplicationPdu(ApplicationPdu<'a>),
        /// `pointerPDU`.
        10 PointerPdu(PointerPdu<'a>),
        /// `inputPDU`.
        11 InputPdu(InputPdu<'a>),
        /// `mediatedControlPDU`.
        12 MediatedControlPdu(MediatedControlPdu<'a>),
        /// `remoteSharePDU`.
        13 RemoteSharePdu(RemoteSharePdu<'a>),
        /// `synchronizePDU`.
        14 SynchronizePdu(SynchronizePdu<'a>),
        /// `flowTestPDU`.
        15 FlowTestPdu(FlowTestPdu<'a>),
        /// `flowResponsePDU`.
        16 FlowResponsePdu(FlowResponsePdu<'a>),
        /// `flowStopPDU`.
        17 FlowStopPdu(FlowStopPdu<'a>),
    }
}
