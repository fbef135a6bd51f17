//! Colours, brushes, bitmaps and coordinates (T.128, base mode).

use crate::gcc::types::NonStandardParameter;
use crate::per::{
    Flags, Int, List, Octets, Real, SizedOctets, Unsigned, choice, integer, sequence,
};

integer! {
    /// `Coordinate8` (T.128, base mode).
    Coordinate8: i16 = -128, 127
}

integer! {
    /// `Coordinate16` (T.128, base mode).
    Coordinate16: i16 = -32768, 32767
}

integer! {
    /// `Integer12` (T.128, base mode).
    Integer12: u16 = 0, 4095
}

integer! {
    /// `Signed16` (T.128, base mode).
    Signed16: i16 = -32768, 32767
}

/// `T50String` (T.128, base mode).
pub type T50String<'a> = SizedOctets<'a, 0, 255>;

/// `ASString` (T.128, base mode).
pub type AsString<'a> = SizedOctets<'a, 0, 255>;

/// `ExtraTextFlags` (T.128, base mode).
pub type ExtraTextFlags = Flags;

/// `TextAttributeFlags` (T.128, base mode).
pub type TextAttributeFlags = Flags;

choice! {
    /// `BackgroundMixMode` (T.128, base mode).
    BackgroundMixMode<'a> extensible 3 {
        /// `nonStandardBackgroundMixMode`.
        0 NonStandardBackgroundMixMode(NonStandardParameter<'a>),
        /// `transparent`.
        1 Transparent,
        /// `opaque`.
        2 Opaque,
    }
}

choice! {
    /// `BitmapData` (T.128, base mode).
    BitmapData<'a> extensible 3 {
        /// `nonStandardBitmapData`.
        0 NonStandardBitmapData(NonStandardParameter<'a>),
        /// `uncompressedBitmapData`.
        1 UncompressedBitmapData(Octets<'a>),
        /// `compressedBitmapData`.
        2 CompressedBitmapData(CompressedBitmapData<'a>),
    }
}

sequence! {
    /// `Brush` (T.128, base mode).
    Brush<'a> extensible {
        /// `originX`.
        opt origin_x: u8,
        /// `originY`.
        opt origin_y: u8,
        /// `style`.
        opt style: BrushStyle<'a>,
        /// `hatch`.
        opt hatch: BrushHatch<'a>,
        /// `pattern`.
        opt pattern: SizedOctets<'a, 7, 7>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `BrushHatch` (T.128, base mode).
    BrushHatch<'a> extensible 3 {
        /// `style`.
        0 Style(HatchStyle<'a>),
        /// `patternZero`.
        1 PatternZero(u8),
        /// `nonStandardBrushHatch`.
        2 NonStandardBrushHatch(NonStandardParameter<'a>),
    }
}

choice! {
    /// `BrushStyle` (T.128, base mode).
    BrushStyle<'a> extensible 5 {
        /// `nonStandardBrushStyle`.
        0 NonStandardBrushStyle(NonStandardParameter<'a>),
        /// `solid`.
        1 Solid,
        /// `null`.
        2 Null,
        /// `hatched`.
        3 Hatched,
        /// `pattern`.
        4 Pattern,
    }
}

sequence! {
    /// `Color` (T.128, base mode).
    Color closed {
        /// `c1`.
        req c1: u8,
        /// `c2`.
        req c2: u8,
        /// `c3`.
        req c3: u8,
    }
}

choice! {
    /// `PredefinedRgbSpace` (T.128, base mode).
    PredefinedRgbSpace<'a> extensible 1 {
        /// `nonStandardRGBSpace`.
        0 NonStandardRgbSpace(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `Primaries` (T.128, base mode).
    Primaries<'a> closed {
        /// `red`.
        req red: ColorCiExyChromaticity<'a>,
        /// `green`.
        req green: ColorCiExyChromaticity<'a>,
        /// `blue`.
        req blue: ColorCiExyChromaticity<'a>,
    }
}

sequence! {
    /// `GeneralRgbParameters` (T.128, base mode).
    GeneralRgbParameters<'a> extensible {
        /// `gamma`.
        opt gamma: Real<'a>,
        /// `colorTemperature`.
        opt color_temperature: Unsigned,
        /// `primaries`.
        opt primaries: Primaries<'a>,
    }
}

choice! {
    /// `ColorAccuracyEnhancementRGB` (T.128, base mode).
    ColorAccuracyEnhancementRgb<'a> extensible 2 {
        /// `predefinedRGBSpace`.
        0 PredefinedRgbSpace(PredefinedRgbSpace<'a>),
        /// `generalRGBParameters`.
        1 GeneralRgbParameters(GeneralRgbParameters<'a>),
    }
}

sequence! {
    /// `ColorCIExyChromaticity` (T.128, base mode).
    ColorCiExyChromaticity<'a> closed {
        /// `x`.
        req x: Real<'a>,
        /// `y`.
        req y: Real<'a>,
    }
}

sequence! {
    /// `ColorPalettePaletteRgb` (T.128, base mode).
    ColorPalettePaletteRgb<'a> extensible {
        /// `palette`.
        req palette: List<'a, ColorRgb, 16, 256>,
        /// `enhancement`.
        opt enhancement: ColorAccuracyEnhancementRgb<'a>,
    }
}

choice! {
    /// `ColorPalette` (T.128, base mode).
    ColorPalette<'a> extensible 2 {
        /// `paletteRGB`.
        0 PaletteRgb(ColorPalettePaletteRgb<'a>),
        /// `nonStandardPalette`.
        1 NonStandardPalette(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ColorRGB` (T.128, base mode).
    ColorRgb closed {
        /// `red`.
        req red: u8,
        /// `green`.
        req green: u8,
        /// `blue`.
        req blue: u8,
    }
}

choice! {
    /// `ColorSpaceSpecifier` (T.128, base mode).
    ColorSpaceSpecifier<'a> extensible 3 {
        /// `colorSpaceDefault`.
        0 ColorSpaceDefault,
        /// `colorSpaceRGB`.
        1 ColorSpaceRgb(ColorAccuracyEnhancementRgb<'a>),
        /// `nonStandardColorSpace`.
        2 NonStandardColorSpace(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `CompressedBitmapData` (T.128, base mode).
    CompressedBitmapData<'a> extensible {
        /// `mainBodySize`.
        req main_body_size: u16,
        /// `rowSize`.
        req row_size: u16,
        /// `uncompressedSize`.
        req uncompressed_size: u16,
        /// `compressedBitmap`.
        req compressed_bitmap: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `Coordinate` (T.128, base mode).
    Coordinate<'a> extensible 3 {
        /// `absolute`.
        0 Absolute(Coordinate16),
        /// `delta`.
        1 Delta(Coordinate8),
        /// `nonStandardCoordinate`.
        2 NonStandardCoordinate(NonStandardParameter<'a>),
    }
}

choice! {
    /// `GeneralCompressionSpecifier` (T.128, base mode).
    GeneralCompressionSpecifier<'a> extensible 2 {
        /// `v42bisCompression`.
        0 V42bisCompression(V42bisCompression),
        /// `nonStandardCompression`.
        1 NonStandardCompression(NonStandardParameter<'a>),
    }
}

choice! {
    /// `HatchStyle` (T.128, base mode).
    HatchStyle<'a> extensible 7 {
        /// `nonStandardHatchStyle`.
        0 NonStandardHatchStyle(NonStandardParameter<'a>),
        /// `horizontal`.
        1 Horizontal,
        /// `vertical`.
        2 Vertical,
        /// `forward`.
        3 Forward,
        /// `backward`.
        4 Backward,
        /// `cross`.
        5 Cross,
        /// `diagonal`.
        6 Diagonal,
    }
}

sequence! {
    /// `Pen` (T.128, base mode).
    Pen<'a> extensible {
        /// `style`.
        opt style: PenStyle<'a>,
        /// `width`.
        opt width: Int<1, 1>,
        /// `color`.
        opt color: Color,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `PenStyle` (T.128, base mode).
    PenStyle<'a> extensible 7 {
        /// `nonStandardPenStyle`.
        0 NonStandardPenStyle(NonStandardParameter<'a>),
        /// `solid`.
        1 Solid,
        /// `dashed`.
        2 Dashed,
        /// `dotted`.
        3 Dotted,
        /// `dash-dot`.
        4 DashDot,
        /// `dash-dot-dot`.
        5 DashDotDot,
        /// `null`.
        6 Null,
    }
}

sequence! {
    /// `Point16` (T.128, base mode).
    Point16 closed {
        /// `x`.
        req x: Coordinate16,
        /// `y`.
        req y: Coordinate16,
    }
}

sequence! {
    /// `Rectangle16` (T.128, base mode).
    Rectangle16 closed {
        /// `left`.
        req left: Coordinate16,
        /// `top`.
        req top: Coordinate16,
        /// `right`.
        req right: Coordinate16,
        /// `bottom`.
        req bottom: Coordinate16,
    }
}

sequence! {
    /// `V42bisCompression` (T.128, base mode).
    V42bisCompression extensible {
        /// `p1`.
        opt p1: Int<512, 65535>,
        /// `p2`.
        opt p2: Int<6, 250>,
    }
}
