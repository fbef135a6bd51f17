//! The PDUs of file transfer, in aligned PER (T.127, MBFT-PROTOCOL).
//!
//! *Unconfirmed* throughout, and most in doubt: the order of [`MbftPdu`]'s alternatives (the
//! edition of 2007 writes its tags, which then decide the order), the members of [`FileHeader`]
//! beyond their names, and which of the optional members of [`FileOfferPdu`] there are.

use crate::gcc::types::NonStandardParameter;
use crate::per::{
    BmpString, Int, List, Octets, SizedOctets, Unsigned, choice, enumerated, sequence,
};

use super::MAX_DATA_OCTETS;

/// `Handle`: names a file or a request, at one user.
pub type Handle = Int<0, 65535>;

/// `ChannelID`.
pub type ChannelId = Int<1, 65535>;

/// `TokenID`.
pub type TokenId = Int<1, 65535>;

/// `UserID`.
pub type UserId = Int<1001, 65535>;

/// `GraphicString`: octets of ISO 646 and what extends it, as they stand.
pub type GraphicString<'a> = Octets<'a>;

/// Names one after the other: folders, then a file, or the parts of a file's name.
pub type Names<'a> = List<'a, GraphicString<'a>>;

sequence! {
    /// `FileHeader`: the attributes of a file, as FTAM (ISO 8571) has them.
    FileHeader<'a> extensible {
        /// `filename`.
        opt filename: Names<'a>,
        /// `date-and-time-of-creation`: a GeneralizedTime.
        opt date_and_time_of_creation: Octets<'a>,
        /// `date-and-time-of-last-modification`: a GeneralizedTime.
        opt date_and_time_of_last_modification: Octets<'a>,
        /// `date-and-time-of-last-read-access`: a GeneralizedTime.
        opt date_and_time_of_last_read_access: Octets<'a>,
        /// `identity-of-creator`.
        opt identity_of_creator: GraphicString<'a>,
        /// `identity-of-last-modifier`.
        opt identity_of_last_modifier: GraphicString<'a>,
        /// `identity-of-last-reader`.
        opt identity_of_last_reader: GraphicString<'a>,
        /// `filesize`, in octets.
        opt filesize: Unsigned,
        /// `future-filesize`, in octets.
        opt future_filesize: Unsigned,
        /// `legal-qualifications`.
        opt legal_qualifications: GraphicString<'a>,
        /// `application-reference`.
        opt application_reference: Names<'a>,
        /// `machine`.
        opt machine: Names<'a>,
        /// `operating-system`: octets of an object identifier.
        opt operating_system: Octets<'a>,
        /// `recipient`.
        opt recipient: Names<'a>,
        /// `environment`.
        opt environment: Names<'a>,
        /// `pathname`.
        opt pathname: Names<'a>,
        /// `user-visible-string`.
        opt user_visible_string: Names<'a>,
    }
}

sequence! {
    /// `CompressionSpecifier`.
    CompressionSpecifier<'a> extensible {
        /// `v42bisCodewords`, where it is V.42 bis.
        opt v42bis_codewords: Int<512, 65535>,
        /// `v42bisMaximumStringLength`.
        opt v42bis_maximum_string_length: Int<6, 250>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `File-OfferPDU`.
    FileOfferPdu<'a> extensible {
        /// `fileHeader`.
        req file_header: FileHeader<'a>,
        /// `dataChannelID`: where it will be sent.
        req data_channel_id: ChannelId,
        /// `fileHandle`.
        req file_handle: Handle,
        /// `rosterInstance`.
        opt roster_instance: u16,
        /// `fileTransmitToken`.
        opt file_transmit_token: TokenId,
        /// `fileRequestToken`.
        opt file_request_token: TokenId,
        /// `fileRequestHandle`: the request that it answers.
        opt file_request_handle: Handle,
        /// `mbftID`: the user who asked for it.
        opt mbft_id: UserId,
        /// `compressionSpecifier`.
        opt compression_specifier: CompressionSpecifier<'a>,
        /// `compressedFilesize`, in octets.
        opt compressed_filesize: Unsigned,
        /// `acknowledge`: whether each receiver answers.
        req acknowledge: bool,
    }
}

sequence! {
    /// `File-AcceptPDU`.
    FileAcceptPdu extensible {
        /// `fileHandle`.
        req file_handle: Handle,
    }
}

enumerated! {
    /// `reason` of a [`FileRejectPdu`].
    RejectReason extensible 5 {
        /// `unspecified`.
        0 Unspecified,
        /// `fileExists`.
        1 FileExists,
        /// `fileNotRequired`.
        2 FileNotRequired,
        /// `insufficientResources`.
        3 InsufficientResources,
        /// `compressionUnsupported`.
        4 CompressionUnsupported,
    }
}

sequence! {
    /// `File-RejectPDU`.
    FileRejectPdu extensible {
        /// `fileHandle`.
        req file_handle: Handle,
        /// `reason`.
        req reason: RejectReason,
    }
}

sequence! {
    /// `File-RequestPDU`.
    FileRequestPdu<'a> extensible {
        /// `fileHeader`: which file.
        req file_header: FileHeader<'a>,
        /// `dataChannelID`: where it is to be sent.
        req data_channel_id: ChannelId,
        /// `fileTransmitToken`.
        opt file_transmit_token: TokenId,
        /// `fileRequestToken`.
        opt file_request_token: TokenId,
        /// `fileRequestHandle`.
        req file_request_handle: Handle,
    }
}

enumerated! {
    /// `reason` of a [`FileDenyPdu`].
    DenyReason extensible 6 {
        /// `unspecified`.
        0 Unspecified,
        /// `fileNotPresent`.
        1 FileNotPresent,
        /// `insufficientPrivilege`.
        2 InsufficientPrivilege,
        /// `fileAlreadyOffered`.
        3 FileAlreadyOffered,
        /// `ambiguous`.
        4 Ambiguous,
        /// `noChannel`.
        5 NoChannel,
    }
}

sequence! {
    /// `File-DenyPDU`.
    FileDenyPdu extensible {
        /// `fileRequestHandle`.
        req file_request_handle: Handle,
        /// `reason`.
        req reason: DenyReason,
    }
}

enumerated! {
    /// `errorType` of a [`FileErrorPdu`].
    ErrorType extensible 3 {
        /// `informative`.
        0 Informative,
        /// `transientError`.
        1 TransientError,
        /// `permanentError`.
        2 PermanentError,
    }
}

sequence! {
    /// `File-ErrorPDU`.
    FileErrorPdu<'a> extensible {
        /// `fileHandle`.
        opt file_handle: Handle,
        /// `errorType`.
        req error_type: ErrorType,
        /// `errorID`: a number of FTAM's.
        req error_id: Unsigned,
        /// `errorText`.
        opt error_text: BmpString<'a, 0, 255>,
    }
}

enumerated! {
    /// `reason` of a [`FileAbortPdu`].
    AbortReason extensible 5 {
        /// `unspecified`.
        0 Unspecified,
        /// `bandwidthRequired`.
        1 BandwidthRequired,
        /// `tokensRequired`.
        2 TokensRequired,
        /// `channelsRequired`.
        3 ChannelsRequired,
        /// `priorityRequired`.
        4 PriorityRequired,
    }
}

sequence! {
    /// `File-AbortPDU`: ends what its members name, all of them where it names nothing.
    FileAbortPdu extensible {
        /// `reason`.
        opt reason: AbortReason,
        /// `dataChannelID`.
        opt data_channel_id: ChannelId,
        /// `transmitterUserID`.
        opt transmitter_user_id: UserId,
        /// `fileHandle`.
        opt file_handle: Handle,
    }
}

sequence! {
    /// `File-StartPDU`.
    FileStartPdu<'a> extensible {
        /// `fileHeader`.
        req file_header: FileHeader<'a>,
        /// `fileHandle`.
        req file_handle: Handle,
        /// `eofFlag`: whether this is all of the file.
        req eof_flag: bool,
        /// `crcFlag`: whether a CRC follows the end.
        req crc_flag: bool,
        /// `dataOffset`: where in the file the data begin.
        req data_offset: Unsigned,
        /// `compressionSpecifier`.
        opt compression_specifier: CompressionSpecifier<'a>,
        /// `compressedFilesize`, in octets.
        opt compressed_filesize: Unsigned,
        /// `data`.
        req data: SizedOctets<'a, 0, MAX_DATA_OCTETS>,
        /// `crcCheck`.
        opt crc_check: u32,
    }
}

sequence! {
    /// `File-DataPDU`.
    FileDataPdu<'a> extensible {
        /// `fileHandle`.
        req file_handle: Handle,
        /// `eofFlag`: whether this is the end of the file.
        req eof_flag: bool,
        /// `abortFlag`: whether no more follows, though it is not the end.
        req abort_flag: bool,
        /// `data`.
        req data: SizedOctets<'a, 0, MAX_DATA_OCTETS>,
        /// `crcCheck`.
        opt crc_check: u32,
    }
}

sequence! {
    /// `Directory-RequestPDU`.
    DirectoryRequestPdu<'a> extensible {
        /// `pathname`.
        opt pathname: Names<'a>,
    }
}

enumerated! {
    /// `result` of a [`DirectoryResponsePdu`].
    DirectoryResult extensible 5 {
        /// `unspecifiedError`.
        0 UnspecifiedError,
        /// `fullListing`.
        1 FullListing,
        /// `partialListing`.
        2 PartialListing,
        /// `permissionDenied`.
        3 PermissionDenied,
        /// `functionNotSupported`.
        4 FunctionNotSupported,
    }
}

sequence! {
    /// An entry of a `directoryList`.
    DirectoryEntry<'a> closed {
        /// `attributes`.
        req attributes: FileHeader<'a>,
        /// `subdirectoryFlag`.
        req subdirectory_flag: bool,
    }
}

sequence! {
    /// `Directory-ResponsePDU`.
    DirectoryResponsePdu<'a> extensible {
        /// `result`.
        req result: DirectoryResult,
        /// `pathname`.
        opt pathname: Names<'a>,
        /// `directoryList`.
        req directory_list: List<'a, DirectoryEntry<'a>, 0, 65535>,
    }
}

enumerated! {
    /// `MBFTPrivilege`.
    MbftPrivilege extensible 5 {
        /// `fileTransferPrivilege`.
        0 FileTransfer,
        /// `fileRequestPrivilege`.
        1 FileRequest,
        /// `privatePrivilege`.
        2 Private,
        /// `priorityPrivilege`.
        3 Priority,
        /// `abortPrivilege`.
        4 Abort,
    }
}

sequence! {
    /// `MBFT-PrivilegeRequestPDU`.
    MbftPrivilegeRequestPdu<'a> extensible {
        /// `mbftPrivilege`.
        req mbft_privilege: List<'a, MbftPrivilege>,
    }
}

sequence! {
    /// One of the `privilegeList`.
    PrivilegeAssignment<'a> closed {
        /// `mbftID`.
        req mbft_id: UserId,
        /// `mbftPrivilege`.
        req mbft_privilege: List<'a, MbftPrivilege>,
    }
}

sequence! {
    /// `MBFT-PrivilegeAssignPDU`.
    MbftPrivilegeAssignPdu<'a> extensible {
        /// `privilegeList`.
        req privilege_list: List<'a, PrivilegeAssignment<'a>>,
    }
}

sequence! {
    /// `MBFT-NonStandardPDU`.
    MbftNonStandardPdu<'a> extensible {
        /// `data`.
        req data: NonStandardParameter<'a>,
    }
}

sequence! {
    /// `PrivateChannelJoinInvitePDU`.
    PrivateChannelJoinInvitePdu extensible {
        /// `controlChannelID`.
        req control_channel_id: ChannelId,
        /// `dataChannelID`.
        req data_channel_id: ChannelId,
        /// `mode`: whether only who convened the channel sends files.
        req mode: bool,
    }
}

enumerated! {
    /// `responseCode` of a [`PrivateChannelJoinResponsePdu`].
    JoinResponseCode extensible 3 {
        /// `unspecified`.
        0 Unspecified,
        /// `invitationRejected`.
        1 InvitationRejected,
        /// `channelJoined`.
        2 ChannelJoined,
    }
}

sequence! {
    /// `PrivateChannelJoinResponsePDU`.
    PrivateChannelJoinResponsePdu extensible {
        /// `controlChannelID`.
        req control_channel_id: ChannelId,
        /// `responseCode`.
        req response_code: JoinResponseCode,
    }
}

choice! {
    /// `MBFTPDU`.
    MbftPdu<'a> extensible 16 {
        /// `file-OfferPDU`.
        0 FileOffer(FileOfferPdu<'a>),
        /// `file-AcceptPDU`.
        1 FileAccept(FileAcceptPdu),
        /// `file-RejectPDU`.
        2 FileReject(FileRejectPdu),
        /// `file-RequestPDU`.
        3 FileRequest(FileRequestPdu<'a>),
        /// `file-DenyPDU`.
        4 FileDeny(FileDenyPdu),
        /// `file-ErrorPDU`.
        5 FileError(FileErrorPdu<'a>),
        /// `file-AbortPDU`.
        6 FileAbort(FileAbortPdu),
        /// `file-StartPDU`.
        7 FileStart(FileStartPdu<'a>),
        /// `file-DataPDU`.
        8 FileData(FileDataPdu<'a>),
        /// `directory-RequestPDU`.
        9 DirectoryRequest(DirectoryRequestPdu<'a>),
        /// `directory-ResponsePDU`.
        10 DirectoryResponse(DirectoryResponsePdu<'a>),
        /// `mbft-PrivilegeRequestPDU`.
        11 MbftPrivilegeRequest(MbftPrivilegeRequestPdu<'a>),
        /// `mbft-PrivilegeAssignPDU`.
        12 MbftPrivilegeAssign(MbftPrivilegeAssignPdu<'a>),
        /// `mbft-NonStandardPDU`.
        13 MbftNonStandard(MbftNonStandardPdu<'a>),
        /// `privateChannelJoinInvitePDU`.
        14 PrivateChannelJoinInvite(PrivateChannelJoinInvitePdu),
        /// `privateChannelJoinResponsePDU`.
        15 PrivateChannelJoinResponse(PrivateChannelJoinResponsePdu),
    }
}
