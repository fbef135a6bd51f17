//! Pages as PDUs.

use super::object::{OUT_OF_RANGE, color};
use super::pdu::*;
use super::types::{Color, PageId};
use crate::error::WriteError;
use crate::per::{self, Int, List};

/// What a new page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PageSetup {
    /// Its width, in units of the grid: 1 to 21845.
    pub width: u16,
    /// Its height, in units of the grid: 1 to 21845.
    pub height: u16,
    /// What lies below all that is drawn.
    pub background: Color,
}

impl Default for PageSetup {
    /// As large as a page can be, and white.
    fn default() -> Self {
        Self { width: 21845, height: 21845, background: Color::WHITE }
    }
}

/// The planes that our pages have: one, on which pictures and drawings lie over each other.
const USAGES: [&[PlaneUsage<'static>]; 1] = [&[PlaneUsage::Annotation, PlaneUsage::Image]];

/// Writes the PDU that makes a page.
pub(crate) fn write_create(
    id: PageId,
    setup: &PageSetup,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let side = |side: u16| Int::new(i64::from(side)).ok_or(OUT_OF_RANGE);
    let plane = |number: usize| PlaneParameters {
        editable: true,
        usage: List::new(USAGES.get(number).copied().unwrap_or_default()),
        plane_attributes: None,
    };
    let attributes = [WorkspaceAttribute::BackgroundColor(color(setup.background))];
    let pdu = SiPdu::WorkspaceCreate(WorkspaceCreatePdu {
        workspace_identifier: WorkspaceIdentifier::ActiveWorkspace(id.0),
        app_roster_instance: 0,
        synchronized: true,
        accept_keyboard_events: false,
        accept_pointing_device_events: false,
        protected_plane_access_list: None,
        workspace_size: WorkspaceSize { width: side(setup.width)?, height: side(setup.height)? },
        workspace_attributes: Some(List::new(&attributes)),
        plane_parameters: List::made(USAGES.len(), &plane),
        view_parameters: None,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

/// Writes the PDU that gives a page another background.
pub(crate) fn write_edit(
    id: PageId,
    background: Color,
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    let attributes = [WorkspaceAttribute::BackgroundColor(color(background))];
    let pdu = SiPdu::WorkspaceEdit(WorkspaceEditPdu {
        workspace_identifier: WorkspaceIdentifier::ActiveWorkspace(id.0),
        attribute_edits: Some(List::new(&attributes)),
        plane_edits: None,
        view_edits: None,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}

/// Writes the PDU that takes a page away.
pub(crate) fn write_delete(id: PageId, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let pdu = SiPdu::WorkspaceDelete(WorkspaceDeletePdu {
        workspace_identifier: WorkspaceIdentifier::ActiveWorkspace(id.0),
        reason: WorkspaceDeleteReason::UserInitiated,
        non_standard_parameters: None,
    });
    per::write(&pdu, buffer)
}
