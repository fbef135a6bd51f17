//! Pictures on the board.

use core::fmt;

use super::pdu::{
    BitmapCreatePdu, BitmapFormatHeader, BitmapHeaderT81, BitmapHeaderUncompressed,
    ColorMappingMode, ColorResolutionModeSpecifier, ColorSpaceSpecifier, DirectMap, SiPdu,
};
use super::types::Point;
use crate::gcc::types::{Key, NonStandardParameter};
use crate::netmeeting;
use crate::per::{Octets, SizedOctets};
use crate::storage::RecordIter;

/// How the octets of a picture are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BitmapFormat<'a> {
    /// Three octets a pixel: red, green, blue; row by row from the top.
    Rgb,
    /// One octet a pixel, 0 is black; row by row from the top.
    Grayscale,
    /// A JPEG file (ITU-T T.81).
    Jpeg,
    /// NetMeeting's: the rows of a device-independent bitmap. Its BITMAPINFOHEADER of 40 octets
    /// is here ([MS-MNPR]).
    Dib(&'a [u8]),
    /// Another one, as the PDU tells it.
    Other(BitmapFormatHeader<'a>),
}

impl<'a> BitmapFormat<'a> {
    pub(super) fn header(self) -> Option<BitmapFormatHeader<'a>> {
        let direct = |color_space| {
            let resolution_mode = ColorResolutionModeSpecifier::Resolution444;
            let direct = DirectMap { color_space, resolution_mode };
            BitmapFormatHeader::Uncompressed(BitmapHeaderUncompressed {
                color_mapping_mode: ColorMappingMode::DirectMap(direct),
            })
        };
        Some(match self {
            Self::Rgb => direct(ColorSpaceSpecifier::Rgb),
            Self::Grayscale => direct(ColorSpaceSpecifier::Grayscale),
            Self::Jpeg => BitmapFormatHeader::T81(BitmapHeaderT81 {
                color_space: ColorSpaceSpecifier::Ycbcr,
                resolution_mode: ColorResolutionModeSpecifier::Resolution420,
            }),
            Self::Dib(header) => {
                let key = Key::H221NonStandard(SizedOctets::new(netmeeting::BITMAP_KEY)?);
                let data = Octets::new(header);
                BitmapFormatHeader::NonStandard(NonStandardParameter { key, data })
            }
            Self::Other(header) => header,
        })
    }

    pub(super) fn of(header: BitmapFormatHeader<'a>) -> Self {
        if let BitmapFormatHeader::Uncompressed(BitmapHeaderUncompressed {
            color_mapping_mode: ColorMappingMode::DirectMap(direct),
        }) = header
            && direct.resolution_mode == ColorResolutionModeSpecifier::Resolution444
        {
            match direct.color_space {
                ColorSpaceSpecifier::Rgb => return Self::Rgb,
                ColorSpaceSpecifier::Grayscale => return Self::Grayscale,
                _ => {}
            }
        }
        match header {
            BitmapFormatHeader::T81(_) => Self::Jpeg,
            BitmapFormatHeader::NonStandard(parameter)
                if netmeeting::is_bitmap_key(&parameter.key) =>
            {
                parameter.data.as_slice().map_or(Self::Other(header), Self::Dib)
            }
            _ => Self::Other(header),
        }
    }
}

/// A picture on the board.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Bitmap<'a> {
    /// Where its upper left corner lies.
    pub at: Point,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// How far its lower right corner is from the upper left one, in units of the grid; one unit
    /// a pixel where it is not told.
    pub extent: Option<Point>,
    /// How its octets are to be read.
    pub format: BitmapFormat<'a>,
    data: Option<&'a [u8]>,
    complete: bool,
    handle: u32,
    rest: Option<RecordIter<'a>>,
}

impl<'a> Bitmap<'a> {
    pub(super) fn new(pdu: &BitmapCreatePdu<'a>, at: Point, rest: Option<RecordIter<'a>>) -> Self {
        let pixels = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        let extent = pdu.scaling.map(|scaling| {
            // Both are of 16 bits.
            Point::new(scaling.x_coordinate.value() as i32, scaling.y_coordinate.value() as i32)
        });
        Self {
            at,
            width: pixels(pdu.bitmap_size.width.value()),
            height: pixels(pdu.bitmap_size.height.value()),
            extent,
            format: BitmapFormat::of(pdu.bitmap_format_header),
            data: pdu.bitmap_data.map(|data| data.data.as_slice()),
            complete: !pdu.more_to_follow,
            handle: pdu.bitmap_handle,
            rest,
        }
    }

    /// Its octets that have come so far, in as many parts as they have come in.
    pub fn data(&self) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.data.into_iter().chain(self.parts().map(|(octets, _)| octets))
    }

    /// How many octets have come so far.
    pub fn octets(&self) -> usize {
        self.data().map(<[u8]>::len).fold(0, usize::saturating_add)
    }

    /// Whether all of it has come.
    pub fn is_complete(&self) -> bool {
        self.complete || self.parts().any(|(_, more)| !more)
    }

    fn parts(&self) -> impl Iterator<Item = (&'a [u8], bool)> + 'a {
        let handle = self.handle;
        let rest = self.rest.filter(|_| !self.complete).into_iter().flatten();
        let own = rest.filter(move |record| record.mark == u64::from(handle));
        own.filter_map(|record| match SiPdu::parse(record.octets) {
            Ok(SiPdu::BitmapCreateContinue(pdu)) => {
                Some((pdu.bitmap_data.data.as_slice(), pdu.more_to_follow))
            }
            _ => None,
        })
    }
}

impl PartialEq for Bitmap<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.width, self.height, self.extent)
            == (other.at, other.width, other.height, other.extent)
            && self.format == other.format
            && self.data().flatten().eq(other.data().flatten())
    }
}

impl fmt::Debug for Bitmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bitmap")
            .field("at", &self.at)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("extent", &self.extent)
            .field("format", &self.format)
            .field("octets", &self.octets())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Bitmap<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "bitmap of {} x {} pixels", self.width, self.height);
    }
}
