//! What a node can do: `CPCALLCAPS` ([MS-MNPR] 2.2.2).

use crate::netmeeting::wire::layout;

layout! {
    /// `General`.
    GeneralCaps 24 {
        /// 1.
        0 id: u16,
        /// 24.
        2 size: u16,
        /// 1 is Windows.
        4 os_type: u16,
        /// 1 NT 3.1, 2 Windows 9x, 3 NT.
        6 os_version: u16,
        /// 0x0200 or 0x0300: whether the desktop can be shared, and control passed on.
        8 version: u16,
        /// 2.
        10 supports_dos6_compression: u16,
        /// 0 none; 1 without a dictionary, 2 with one, as bits.
        12 gen_compression_type: u16,
        /// 2 nobody is logged on, 1 runs in the background.
        14 type_flags: u16,
        /// Whether the capabilities may change.
        16 supports_caps_update: u16,
        /// 2.
        18 supports_remote_unshare: u16,
        /// 1 or 2.
        20 gen_compression_level: u16,
    }
}

layout! {
    /// `Screen`. 1 is yes, and 2 is no.
    ScreenCaps 28 {
        /// 2.
        0 id: u16,
        /// 28.
        2 size: u16,
        /// Bits a pixel.
        4 bits_per_pixel: u16,
        /// 1 bit a pixel.
        6 supports_1bpp: u16,
        /// 4 bits a pixel.
        8 supports_4bpp: u16,
        /// 8 bits a pixel.
        10 supports_8bpp: u16,
        /// In pixels.
        12 width: u16,
        /// In pixels.
        14 height: u16,
        /// The compression of bitmaps of version 2.
        16 supports_v1_compression: u16,
        /// Whether the desktop may change its size.
        18 supports_desktop_resize: u16,
        /// The compression of bitmaps of version 3.
        20 supports_v2_compression: u16,
        /// 24 bits a pixel.
        24 supports_24bpp: u16,
    }
}

layout! {
    /// `Orders`.
    OrderCaps 84 {
        /// 3.
        0 id: u16,
        /// 84.
        2 size: u16,
        /// In octets.
        20 save_bitmap_size: u32,
        /// 1.
        24 x_granularity: u16,
        /// 20.
        26 y_granularity: u16,
        /// 0.
        28 max_save_level: u16,
        /// 1.
        30 max_order_level: u16,
        /// How many fonts the list has.
        32 num_fonts: u16,
        /// 2.
        34 encoding_level: u16,
        /// Which orders are understood: 1 by 1.
        36 support: [u8; 32],
        /// 0x03B5.
        68 font_flags: u16,
        /// In octets.
        72 send_save_bitmap_size: u32,
        /// In octets.
        76 receive_save_bitmap_size: u32,
    }
}

layout! {
    /// `Bitmaps`: the caches, as many entries of as many octets.
    BitmapCaps 40 {
        /// 4.
        0 id: u16,
        /// 40.
        2 size: u16,
        /// For bitmaps of up to 16 times 16 pixels.
        16 small_entries: u16,
        /// In octets.
        18 small_size: u16,
        /// Up to 32 times 32.
        20 medium_entries: u16,
        /// In octets.
        22 medium_size: u16,
        /// Up to 64 times 64.
        24 large_entries: u16,
        /// In octets.
        26 large_size: u16,
        /// 0x7FFF each.
        28 reserved: [u16; 6],
    }
}

layout! {
    /// `Cursor`.
    CursorCaps 8 {
        /// 8.
        0 id: u16,
        /// 8.
        2 size: u16,
        /// Whether cursors have colours.
        4 supports_color: u16,
        /// How many are kept.
        6 cache_size: u16,
    }
}

layout! {
    /// `Palette`.
    PaletteCaps 8 {
        /// 10.
        0 id: u16,
        /// 8.
        2 size: u16,
        /// 6.
        4 color_table_cache_size: u16,
    }
}

layout! {
    /// `Share`.
    ShareCaps 8 {
        /// 9.
        0 id: u16,
        /// 8.
        2 size: u16,
        /// The node's MCS user.
        4 gcc_id: u32,
    }
}

layout! {
    /// `CPCALLCAPS`: all seven.
    Caps 204 {
        /// 7.
        0 count: u16,
        /// What version it is.
        4 general: GeneralCaps,
        /// Its screen.
        28 screen: ScreenCaps,
        /// Which orders it understands.
        56 orders: OrderCaps,
        /// Its caches of bitmaps.
        140 bitmaps: BitmapCaps,
        /// Its cursors.
        180 cursor: CursorCaps,
        /// Its colour tables.
        188 palette: PaletteCaps,
        /// Who it is.
        196 share: ShareCaps,
    }
}

impl Caps {
    /// Those of a node that takes and gives bitmaps alone, of 8 and of 24 bits a pixel, and
    /// nothing compressed: what needs none of the formats that are in doubt.
    pub const fn bitmaps_only(user: u16, width: u16, height: u16) -> Self {
        let mut support = [0; 32];
        // Reserved, and always 1.
        let [_, _, _, reserved, also_reserved, ..] = &mut support;
        (*reserved, *also_reserved) = (1, 1);
        Self {
            count: 7,
            general: GeneralCaps {
                id: 1,
                size: 24,
                os_type: 1,
                os_version: 3,
                version: 0x0300,
                supports_dos6_compression: 2,
                gen_compression_type: 0,
                type_flags: 0,
                supports_caps_update: 0,
                supports_remote_unshare: 2,
                gen_compression_level: 1,
            },
            screen: ScreenCaps {
                id: 2,
                size: 28,
                bits_per_pixel: 24,
                supports_1bpp: 2,
                supports_4bpp: 2,
                supports_8bpp: 1,
                width,
                height,
                supports_v1_compression: 2,
                supports_desktop_resize: 1,
                supports_v2_compression: 2,
                supports_24bpp: 1,
            },
            orders: OrderCaps {
                id: 3,
                size: 84,
                save_bitmap_size: 160_000,
                x_granularity: 1,
                y_granularity: 20,
                max_save_level: 0,
                max_order_level: 1,
                num_fonts: 0,
                encoding_level: 2,
                support,
                font_flags: 0x03b5,
                send_save_bitmap_size: 160_000,
                receive_save_bitmap_size: 160_000,
            },
            bitmaps: BitmapCaps {
                id: 4,
                size: 40,
                small_entries: 0,
                small_size: 0,
                medium_entries: 0,
                medium_size: 0,
                large_entries: 0,
                large_size: 0,
                reserved: [0x7fff; 6],
            },
            cursor: CursorCaps { id: 8, size: 8, supports_color: 0, cache_size: 0 },
            palette: PaletteCaps { id: 10, size: 8, color_table_cache_size: 6 },
            share: ShareCaps { id: 9, size: 8, gcc_id: user as u32 },
        }
    }
}
