//! Drawing orders (T.128, base mode).

use super::*;
use crate::gcc::types::NonStandardParameter;
use crate::per::{Int, List, SizedOctets, choice, integer, sequence};

choice! {
    /// `DesktopSaveAction` (T.128, base mode).
    DesktopSaveAction<'a> extensible 3 {
        /// `nonStandardDesktopSaveAction`.
        0 NonStandardDesktopSaveAction(NonStandardParameter<'a>),
        /// `desktopSave`.
        1 DesktopSave,
        /// `desktopRestore`.
        2 DesktopRestore,
    }
}

integer! {
    /// `ROP2` (T.128, base mode).
    Rop2: u8 = 0, 255
}

integer! {
    /// `ROP3` (T.128, base mode).
    Rop3: u8 = 0, 255
}

sequence! {
    /// `PrimaryOrderHeader` (T.128, base mode).
    PrimaryOrderHeader<'a> extensible {
        /// `boundsLeft`.
        opt bounds_left: Coordinate<'a>,
        /// `boundsTop`.
        opt bounds_top: Coordinate<'a>,
        /// `boundsRight`.
        opt bounds_right: Coordinate<'a>,
        /// `boundsBottom`.
        opt bounds_bottom: Coordinate<'a>,
    }
}

sequence! {
    /// `DestinationBltOrder` (T.128, base mode).
    DestinationBltOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `rop3`.
        opt rop3: Rop3,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `PatternBltOrder` (T.128, base mode).
    PatternBltOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `rop3`.
        opt rop3: Rop3,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `foregroundColor`.
        opt foreground_color: Color,
        /// `brush`.
        opt brush: Brush<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ScreenBltOrder` (T.128, base mode).
    ScreenBltOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `rop3`.
        opt rop3: Rop3,
        /// `sourceX`.
        opt source_x: Coordinate<'a>,
        /// `sourceY`.
        opt source_y: Coordinate<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `CacheBitmapOrder` (T.128, base mode).
    CacheBitmapOrder<'a> extensible {
        /// `cacheId`.
        req cache_id: Int<0, 2>,
        /// `bitmapWidth`.
        req bitmap_width: u8,
        /// `bitmapHeight`.
        req bitmap_height: u8,
        /// `bitmapBitsPerPel`.
        req bitmap_bits_per_pel: Int<1, 8>,
        /// `cacheIndex`.
        req cache_index: u16,
        /// `bitmapData`.
        req bitmap_data: BitmapData<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `CacheColorTableOrder` (T.128, base mode).
    CacheColorTableOrder<'a> extensible {
        /// `cacheIndex`.
        req cache_index: u8,
        /// `colorTable`.
        req color_table: ColorPalette<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MemoryBltOrder` (T.128, base mode).
    MemoryBltOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `colorTableCacheIndex`.
        opt color_table_cache_index: u8,
        /// `bitmapCacheID`.
        opt bitmap_cache_id: u8,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `rop3`.
        opt rop3: Rop3,
        /// `sourceX`.
        opt source_x: Coordinate<'a>,
        /// `sourceY`.
        opt source_y: Coordinate<'a>,
        /// `bitmapCacheIndex`.
        opt bitmap_cache_index: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MemoryThreeWayBltOrder` (T.128, base mode).
    MemoryThreeWayBltOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `colorTableCacheIndex`.
        opt color_table_cache_index: u8,
        /// `bitmapCacheID`.
        opt bitmap_cache_id: u8,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `rop3`.
        opt rop3: Rop3,
        /// `sourceX`.
        opt source_x: Coordinate<'a>,
        /// `sourceY`.
        opt source_y: Coordinate<'a>,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `foregroundColor`.
        opt foreground_color: Color,
        /// `brush`.
        opt brush: Brush<'a>,
        /// `bitmapCacheIndex`.
        opt bitmap_cache_index: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TextOrder` (T.128, base mode).
    TextOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `backMixMode`.
        opt back_mix_mode: BackgroundMixMode<'a>,
        /// `startX`.
        opt start_x: Coordinate<'a>,
        /// `startY`.
        opt start_y: Coordinate<'a>,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `foregroundColor`.
        opt foreground_color: Color,
        /// `extraSpacing`.
        opt extra_spacing: u16,
        /// `totalBreakSpacing`.
        opt total_break_spacing: u16,
        /// `breakCount`.
        opt break_count: u16,
        /// `fontHeight`.
        opt font_height: u16,
        /// `fontWidth`.
        opt font_width: u16,
        /// `fontWeight`.
        opt font_weight: u16,
        /// `textFlags`.
        opt text_flags: TextAttributeFlags,
        /// `fontID`.
        opt font_id: u16,
        /// `codePointList`.
        opt code_point_list: SizedOctets<'a, 1, 255>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ExtendedTextOrder` (T.128, base mode).
    ExtendedTextOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `backMixMode`.
        opt back_mix_mode: BackgroundMixMode<'a>,
        /// `startX`.
        opt start_x: Coordinate<'a>,
        /// `startY`.
        opt start_y: Coordinate<'a>,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `foregroundColor`.
        opt foreground_color: Color,
        /// `extraSpacing`.
        opt extra_spacing: u16,
        /// `totalBreakSpacing`.
        opt total_break_spacing: u16,
        /// `breakCount`.
        opt break_count: u16,
        /// `fontHeight`.
        opt font_height: u16,
        /// `fontWidth`.
        opt font_width: u16,
        /// `fontWeight`.
        opt font_weight: u16,
        /// `textFlags1`.
        opt text_flags1: TextAttributeFlags,
        /// `fontID`.
        opt font_id: u16,
        /// `textFlags2`.
        opt text_flags2: ExtraTextFlags,
        /// `clipLeft`.
        opt clip_left: Coordinate<'a>,
        /// `clipTop`.
        opt clip_top: Coordinate<'a>,
        /// `clipRight`.
        opt clip_right: Coordinate<'a>,
        /// `clipBottom`.
        opt clip_bottom: Coordinate<'a>,
        /// `codePointList`.
        opt code_point_list: SizedOctets<'a, 1, 255>,
        /// `deltaXList`.
        opt delta_x_list: List<'a, Coordinate<'a>, 1, 127>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `FrameOrder` (T.128, base mode).
    FrameOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `rop3`.
        opt rop3: Rop3,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `foregroundColor`.
        opt foreground_color: Color,
        /// `brush`.
        opt brush: Brush<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `RectangleOrder` (T.128, base mode).
    RectangleOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `backMixMode`.
        opt back_mix_mode: BackgroundMixMode<'a>,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destRight`.
        opt dest_right: Coordinate<'a>,
        /// `destBottom`.
        opt dest_bottom: Coordinate<'a>,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `foregroundColor`.
        opt foreground_color: Color,
        /// `brush`.
        opt brush: Brush<'a>,
        /// `rop2`.
        opt rop2: Rop2,
        /// `pen`.
        opt pen: Pen<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `OpaqueRectangleOrder` (T.128, base mode).
    OpaqueRectangleOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `color`.
        opt color: Color,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `LineOrder` (T.128, base mode).
    LineOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `backMixMode`.
        opt back_mix_mode: BackgroundMixMode<'a>,
        /// `startX`.
        opt start_x: Coordinate<'a>,
        /// `startY`.
        opt start_y: Coordinate<'a>,
        /// `endX`.
        opt end_x: Coordinate<'a>,
        /// `endY`.
        opt end_y: Coordinate<'a>,
        /// `backgroundColor`.
        opt background_color: Color,
        /// `rop2`.
        opt rop2: Rop2,
        /// `pen`.
        opt pen: Pen<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DesktopSaveOrder` (T.128, base mode).
    DesktopSaveOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `saveOffset`.
        opt save_offset: u32,
        /// `destLeft`.
        opt dest_left: Coordinate<'a>,
        /// `destTop`.
        opt dest_top: Coordinate<'a>,
        /// `destWidth`.
        opt dest_width: Coordinate<'a>,
        /// `destHeight`.
        opt dest_height: Coordinate<'a>,
        /// `action`.
        opt action: DesktopSaveAction<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DesktopOriginOrder` (T.128, base mode).
    DesktopOriginOrder<'a> extensible {
        /// `header`.
        req header: PrimaryOrderHeader<'a>,
        /// `desktopLeft`.
        opt desktop_left: Coordinate<'a>,
        /// `desktopTop`.
        opt desktop_top: Coordinate<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `ColorSpaceOrder` (T.128, base mode).
    ColorSpaceOrder<'a> extensible {
        /// `colorSpace`.
        req color_space: ColorSpaceSpecifier<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `PrimaryOrder` (T.128, base mode).
    PrimaryOrder<'a> extensible 14 {
        /// `nonStandardPrimaryOrder`.
        0 NonStandardPrimaryOrder(NonStandardParameter<'a>),
        /// `destinationBlt`.
        1 DestinationBlt(DestinationBltOrder<'a>),
        /// `patternBlt`.
        2 PatternBlt(PatternBltOrder<'a>),
        /// `screenBlt`.
        3 ScreenBlt(ScreenBltOrder<'a>),
        /// `text`.
        4 Text(TextOrder<'a>),
        /// `extendedText`.
        5 ExtendedText(ExtendedTextOrder<'a>),
        /// `rectangle`.
        6 Rectangle(RectangleOrder<'a>),
        /// `line`.
        7 Line(LineOrder<'a>),
        /// `frame`.
        8 Frame(FrameOrder<'a>),
        /// `opaqueRectangle`.
        9 OpaqueRectangle(OpaqueRectangleOrder<'a>),
        /// `desktopSave`.
        10 DesktopSave(DesktopSaveOrder<'a>),
        /// `memoryBlt`.
        11 MemoryBlt(MemoryBltOrder<'a>),
        /// `memoryThreeWayBlt`.
        12 MemoryThreeWayBlt(MemoryThreeWayBltOrder<'a>),
        /// `desktopOrigin`.
        13 DesktopOrigin(DesktopOriginOrder<'a>),
    }
}

choice! {
    /// `SecondaryOrder` (T.128, base mode).
    SecondaryOrder<'a> extensible 4 {
        /// `cacheBitmap`.
        0 CacheBitmap(CacheBitmapOrder<'a>),
        /// `cacheColorTable`.
        1 CacheColorTable(CacheColorTableOrder<'a>),
        /// `colorSpaceOrder`.
        2 ColorSpaceOrder(ColorSpaceOrder<'a>),
        /// `nonStandardSecondaryOrder`.
        3 NonStandardSecondaryOrder(NonStandardParameter<'a>),
    }
}

choice! {
    /// `UpdateOrder` (T.128, base mode).
    UpdateOrder<'a> extensible 3 {
        /// `primaryOrder`.
        0 PrimaryOrder(PrimaryOrder<'a>),
        /// `secondaryOrder`.
        1 SecondaryOrder(SecondaryOrder<'a>),
        /// `nonStandardOrder`.
        2 NonStandardOrder(NonStandardParameter<'a>),
    }
}
