//! The PDUs of a still image conference, in aligned PER (T.126, SI-PROTOCOL).
//!
//! The Recommendation's module was not at hand when these tables were made: they follow its text
//! from memory, and the number of root alternatives of [`SiPdu`] from Microsoft's description of
//! its extensions ([MS-MNPR], whose text PDUs are numbered 30 to 32 from one, behind 28 root
//! alternatives and `fontPDU`). **No independent encoder has confirmed any of it.** What is most
//! in doubt is marked *unconfirmed* at its place. Each correction is one line of a table.
//!
//! ```text
//!   drawing    lines, rectangles, ellipses, points       bitmap     pictures, pointers
//!   workspace  pages, their planes, the refresh          text       the extension for text
//!   service    archives, remote events, print, the conductor's privileges
//! ```

mod bitmap;
mod drawing;
mod service;
mod text;
mod types;
mod workspace;

pub use bitmap::*;
pub use drawing::*;
pub use service::*;
pub use text::*;
pub use types::*;
pub use workspace::*;

use crate::per::choice;

choice! {
    /// `SIPDU`: 28 root alternatives in the order of their names, and four additions
    /// (*unconfirmed*, but see the module's page).
    SiPdu<'a> extensible 28 {
        /// `archiveAcknowledgePDU`.
        0 ArchiveAcknowledge(ArchiveAcknowledgePdu<'a>),
        /// `archiveClosePDU`.
        1 ArchiveClose(ArchiveClosePdu<'a>),
        /// `archiveErrorPDU`.
        2 ArchiveError(ArchiveErrorPdu<'a>),
        /// `archiveOpenPDU`.
        3 ArchiveOpen(ArchiveOpenPdu<'a>),
        /// `bitmapAbortPDU`.
        4 BitmapAbort(BitmapAbortPdu<'a>),
        /// `bitmapCheckpointPDU`.
        5 BitmapCheckpoint(BitmapCheckpointPdu<'a>),
        /// `bitmapCreatePDU`.
        6 BitmapCreate(BitmapCreatePdu<'a>),
        /// `bitmapCreateContinuePDU`.
        7 BitmapCreateContinue(BitmapCreateContinuePdu<'a>),
        /// `bitmapDeletePDU`.
        8 BitmapDelete(BitmapDeletePdu<'a>),
        /// `bitmapEditPDU`.
        9 BitmapEdit(BitmapEditPdu<'a>),
        /// `conductorPrivilegeGrantPDU`.
        10 ConductorPrivilegeGrant(ConductorPrivilegeGrantPdu<'a>),
        /// `conductorPrivilegeRequestPDU`.
        11 ConductorPrivilegeRequest(ConductorPrivilegeRequestPdu<'a>),
        /// `drawingCreatePDU`.
        12 DrawingCreate(DrawingCreatePdu<'a>),
        /// `drawingDeletePDU`.
        13 DrawingDelete(DrawingDeletePdu<'a>),
        /// `drawingEditPDU`.
        14 DrawingEdit(DrawingEditPdu<'a>),
        /// `remoteEventPermissionGrantPDU`.
        15 RemoteEventPermissionGrant(RemoteEventPermissionGrantPdu<'a>),
        /// `remoteEventPermissionRequestPDU`.
        16 RemoteEventPermissionRequest(RemoteEventPermissionRequestPdu<'a>),
        /// `remoteKeyboardEventPDU`.
        17 RemoteKeyboardEvent(RemoteKeyboardEventPdu<'a>),
        /// `remotePointingDeviceEventPDU`.
        18 RemotePointingDeviceEvent(RemotePointingDeviceEventPdu<'a>),
        /// `remotePrintPDU`.
        19 RemotePrint(RemotePrintPdu<'a>),
        /// `siNonStandardPDU`.
        20 NonStandard(SiNonStandardPdu<'a>),
        /// `workspaceCreatePDU`.
        21 WorkspaceCreate(WorkspaceCreatePdu<'a>),
        /// `workspaceCreateAcknowledgePDU`.
        22 WorkspaceCreateAcknowledge(WorkspaceCreateAcknowledgePdu<'a>),
        /// `workspaceDeletePDU`.
        23 WorkspaceDelete(WorkspaceDeletePdu<'a>),
        /// `workspaceEditPDU`.
        24 WorkspaceEdit(WorkspaceEditPdu<'a>),
        /// `workspacePlaneCopyPDU`.
        25 WorkspacePlaneCopy(WorkspacePlaneCopyPdu<'a>),
        /// `workspaceReadyPDU`.
        26 WorkspaceReady(WorkspaceReadyPdu<'a>),
        /// `workspaceRefreshStatusPDU`.
        27 WorkspaceRefreshStatus(WorkspaceRefreshStatusPdu<'a>),
    } additions {
        /// `fontPDU`.
        0 Font(FontPdu<'a>),
        /// `textCreatePDU`.
        1 TextCreate(TextCreatePdu<'a>),
        /// `textDeletePDU`.
        2 TextDelete(TextDeletePdu<'a>),
        /// `textEditPDU`.
        3 TextEdit(TextEditPdu<'a>),
    }
}
