//! Text, which a later edition of T.126 adds behind the root alternatives.
//!
//! *Unconfirmed* in all their members: only that they are there, and their numbers, follow from
//! Microsoft's text PDUs (see [`super`]).

use super::drawing::DrawingAttribute;
use super::types::*;
use crate::per::{BmpString, List, sequence};

sequence! {
    /// `FontPDU`.
    FontPdu<'a> extensible {
        /// `fontHandle`.
        req font_handle: Handle,
        /// `fontName`.
        req font_name: BmpString<'a, 1, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
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
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `TextDeletePDU`.
    TextDeletePdu<'a> extensible {
        /// `textHandle`.
        req text_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `TextEditPDU`.
    TextEditPdu<'a> extensible {
        /// `textHandle`.
        req text_handle: Handle,
        /// `attributeEdits`.
        opt attribute_edits: List<'a, DrawingAttribute<'a>, 1>,
        /// `anchorPointEdit`.
        opt anchor_point_edit: WorkspacePoint,
        /// `textHeightEdit`.
        opt text_height_edit: u16,
        /// `textStringEdit`.
        opt text_string_edit: BmpString<'a, 1, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}
