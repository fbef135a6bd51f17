//! Bitmaps (T.126, BitmapCreatePDU and its like): pictures, and the pointers of the participants.
//!
//! *Unconfirmed* most: the headers of the formats, and the members of a hard copy device. The
//! limit of a `BitmapData` is the Recommendation's from memory; NetMeeting sends at most 2000
//! octets a message ([MS-MNPR]).

use super::types::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{BmpString, Int, List, Octets, SizedOctets, choice, sequence};

sequence! {
    /// `BitmapSize`, in pixels.
    BitmapSize closed {
        /// `width`.
        req width: Int<1, 4294967295>,
        /// `height`.
        req height: Int<1, 4294967295>,
    }
}

sequence! {
    /// `BitmapPoint`, in pixels.
    BitmapPoint closed {
        /// `xCoordinate`.
        req x_coordinate: u32,
        /// `yCoordinate`.
        req y_coordinate: u32,
    }
}

sequence! {
    /// `BitmapRegion`.
    BitmapRegion closed {
        /// `upperLeft`.
        req upper_left: BitmapPoint,
        /// `lowerRight`.
        req lower_right: BitmapPoint,
    }
}

sequence! {
    /// `general` of a [`PixelAspectRatio`].
    GeneralAspectRatio closed {
        /// `numerator`.
        req numerator: Int<1, 65535>,
        /// `denominator`.
        req denominator: Int<1, 65535>,
    }
}

choice! {
    /// `PixelAspectRatio`.
    PixelAspectRatio<'a> extensible 6 {
        /// `square`.
        0 Square,
        /// `cif`.
        1 Cif,
        /// `fax1`.
        2 Fax1,
        /// `fax2`.
        3 Fax2,
        /// `general`.
        4 General(GeneralAspectRatio),
        /// `nonStandardAspectRatio`.
        5 NonStandardAspectRatio(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `TransparencyMask`.
    TransparencyMask<'a> extensible {
        /// `bitmapMask`: one bit a pixel, 1 where the bitmap shows.
        req bitmap_mask: Octets<'a>,
    }
}

choice! {
    /// `BitmapAttribute`.
    BitmapAttribute<'a> extensible 4 {
        /// `viewState`.
        0 ViewState(ViewState<'a>),
        /// `zOrder`.
        1 ZOrder(ZOrder),
        /// `transparencyMask`.
        2 TransparencyMask(TransparencyMask<'a>),
        /// `nonStandardAttribute`.
        3 NonStandardAttribute(NonStandardParameter<'a>),
    }
}

choice! {
    /// `BitmapDestinationAddress`.
    BitmapDestinationAddress<'a> extensible 5 {
        /// `hardCopyDevice`: its number.
        0 HardCopyDevice(u8),
        /// `softCopyImagePlane`.
        1 SoftCopyImagePlane(SoftCopyDataPlaneAddress),
        /// `softCopyAnnotationPlane`.
        2 SoftCopyAnnotationPlane(SoftCopyDataPlaneAddress),
        /// `softCopyPointerPlane`.
        3 SoftCopyPointerPlane(SoftCopyPointerPlaneAddress),
        /// `nonStandardDestination`.
        4 NonStandardDestination(NonStandardParameter<'a>),
    }
}

choice! {
    /// `ColorSpaceSpecifier`.
    ColorSpaceSpecifier<'a> extensible 6 {
        /// `cieLab`.
        0 CieLab,
        /// `cmyk`.
        1 Cmyk,
        /// `grayscale`.
        2 Grayscale,
        /// `rgb`.
        3 Rgb,
        /// `ycbcr`.
        4 Ycbcr,
        /// `nonStandardColorSpace`.
        5 NonStandardColorSpace(NonStandardParameter<'a>),
    }
}

choice! {
    /// `ColorResolutionModeSpecifier`.
    ColorResolutionModeSpecifier<'a> extensible 4 {
        /// `resolution4-4-4`.
        0 Resolution444,
        /// `resolution4-2-2`.
        1 Resolution422,
        /// `resolution4-2-0`.
        2 Resolution420,
        /// `nonStandardResolutionMode`.
        3 NonStandardResolutionMode(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `directMap` of a [`ColorMappingMode`]: each pixel is its colour, 8 bits a component.
    DirectMap<'a> extensible {
        /// `colorSpace`.
        req color_space: ColorSpaceSpecifier<'a>,
        /// `resolutionMode`.
        req resolution_mode: ColorResolutionModeSpecifier<'a>,
    }
}

sequence! {
    /// `paletteMap` of a [`ColorMappingMode`]: each pixel is an index.
    PaletteMap<'a> extensible {
        /// `colorPalette`.
        req color_palette: List<'a, ColorRgb, 1, 256>,
        /// `bitsPerPixel`.
        req bits_per_pixel: Int<1, 8>,
    }
}

choice! {
    /// `ColorMappingMode`.
    ColorMappingMode<'a> extensible 2 {
        /// `directMap`.
        0 DirectMap(DirectMap<'a>),
        /// `paletteMap`.
        1 PaletteMap(PaletteMap<'a>),
    }
}

sequence! {
    /// `BitmapHeaderUncompressed`.
    BitmapHeaderUncompressed<'a> extensible {
        /// `colorMappingMode`.
        req color_mapping_mode: ColorMappingMode<'a>,
    }
}

sequence! {
    /// `BitmapHeaderT4`: ITU-T T.4, as facsimile group 3.
    BitmapHeaderT4 extensible {
        /// `twoDimensionalEncoding`.
        req two_dimensional_encoding: bool,
    }
}

sequence! {
    /// `BitmapHeaderT81`: ITU-T T.81, JPEG.
    BitmapHeaderT81<'a> extensible {
        /// `colorSpace`.
        req color_space: ColorSpaceSpecifier<'a>,
        /// `resolutionMode`.
        req resolution_mode: ColorResolutionModeSpecifier<'a>,
    }
}

sequence! {
    /// `BitmapHeaderT82`: ITU-T T.82, JBIG.
    BitmapHeaderT82<'a> extensible {
        /// `colorMappingMode`.
        req color_mapping_mode: ColorMappingMode<'a>,
    }
}

choice! {
    /// `BitmapFormatHeader`.
    BitmapFormatHeader<'a> extensible 6 {
        /// `bitmapHeaderUncompressed`.
        0 Uncompressed(BitmapHeaderUncompressed<'a>),
        /// `bitmapHeaderT4`.
        1 T4(BitmapHeaderT4),
        /// `bitmapHeaderT6`: as facsimile group 4.
        2 T6,
        /// `bitmapHeaderT81`.
        3 T81(BitmapHeaderT81<'a>),
        /// `bitmapHeaderT82`.
        4 T82(BitmapHeaderT82<'a>),
        /// `bitmapHeaderNonStandard`.
        5 NonStandard(NonStandardParameter<'a>),
    }
}

/// The most octets that one [`BitmapData`] has.
pub const MAX_BITMAP_DATA_OCTETS: usize = 8192;

sequence! {
    /// `BitmapData`.
    BitmapData<'a> closed {
        /// `dataCheckpoint`: the checkpoints that are passed where these data end.
        opt data_checkpoint: List<'a, Int<1, 100>, 1, 100>,
        /// `padBits`: how many bits of the last octet are not part of the data.
        opt pad_bits: Int<1, 7>,
        /// `data`.
        req data: SizedOctets<'a, 1, MAX_BITMAP_DATA_OCTETS>,
    }
}

sequence! {
    /// `BitmapCreatePDU`.
    BitmapCreatePdu<'a> extensible {
        /// `bitmapHandle`.
        req bitmap_handle: Handle,
        /// `destinationAddress`.
        req destination_address: BitmapDestinationAddress<'a>,
        /// `attributes`.
        opt attributes: List<'a, BitmapAttribute<'a>, 1>,
        /// `anchorPoint`: where the upper left corner lies.
        opt anchor_point: WorkspacePoint,
        /// `bitmapSize`.
        req bitmap_size: BitmapSize,
        /// `bitmapRegionOfInterest`.
        opt bitmap_region_of_interest: BitmapRegion,
        /// `pixelAspectRatio`.
        req pixel_aspect_ratio: PixelAspectRatio<'a>,
        /// `scaling`: how far the lower right corner is from the anchor point.
        opt scaling: PointDiff16,
        /// `checkpoints`: the tokens of the checkpoints.
        opt checkpoints: List<'a, Int<1, 65535>, 1, 100>,
        /// `bitmapFormatHeader`.
        req bitmap_format_header: BitmapFormatHeader<'a>,
        /// `bitmapData`.
        opt bitmap_data: BitmapData<'a>,
        /// `moreToFollow`: whether [`BitmapCreateContinuePdu`]s come.
        req more_to_follow: bool,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `BitmapCreateContinuePDU`.
    BitmapCreateContinuePdu<'a> extensible {
        /// `bitmapHandle`.
        req bitmap_handle: Handle,
        /// `bitmapData`.
        req bitmap_data: BitmapData<'a>,
        /// `moreToFollow`.
        req more_to_follow: bool,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

choice! {
    /// `BitmapAbortReason`.
    BitmapAbortReason<'a> extensible 4 {
        /// `unspecified`.
        0 Unspecified,
        /// `noResources`.
        1 NoResources,
        /// `outOfPaper`.
        2 OutOfPaper,
        /// `nonStandardReason`.
        3 NonStandardReason(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `BitmapAbortPDU`.
    BitmapAbortPdu<'a> extensible {
        /// `bitmapHandle`.
        req bitmap_handle: Handle,
        /// `userID`: who cannot take it; none where its maker gives up.
        opt user_id: Int<1001, 65535>,
        /// `reason`.
        opt reason: BitmapAbortReason<'a>,
        /// `message`.
        opt message: BmpString<'a, 0, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `BitmapCheckpointPDU`.
    BitmapCheckpointPdu<'a> extensible {
        /// `bitmapHandle`.
        req bitmap_handle: Handle,
        /// `passedCheckpoints`.
        req passed_checkpoints: List<'a, Int<1, 100>, 1, 100>,
        /// `percentComplete`.
        req percent_complete: Int<0, 100>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `BitmapDeletePDU`.
    BitmapDeletePdu<'a> extensible {
        /// `bitmapHandle`.
        req bitmap_handle: Handle,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}

sequence! {
    /// `BitmapEditPDU`.
    BitmapEditPdu<'a> extensible {
        /// `bitmapHandle`.
        req bitmap_handle: Handle,
        /// `attributeEdits`.
        opt attribute_edits: List<'a, BitmapAttribute<'a>, 1>,
        /// `anchorPointEdit`.
        opt anchor_point_edit: WorkspacePoint,
        /// `bitmapRegionOfInterestEdit`.
        opt bitmap_region_of_interest_edit: BitmapRegion,
        /// `scalingEdit`.
        opt scaling_edit: PointDiff16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: NonStandardParameters<'a>,
    }
}
