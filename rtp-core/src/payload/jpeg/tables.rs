//! Tables of baseline JPEG (ITU-T T.81 annex K), which RFC 2435 does not send.

/// A table for Huffman codes: how many codes there are of each length, and what they mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Huffman {
    /// Class and destination, as DHT has them.
    pub(super) id: u8,
    pub(super) lengths: [u8; 16],
    pub(super) values: &'static [u8],
}

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// Tables K.3 to K.6, in the order in which they are written.
pub(super) const HUFFMAN: [Huffman; 4] = [
    Huffman {
        id: 0x00,
        lengths: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        values: &DC_VALUES,
    },
    Huffman {
        id: 0x10,
        lengths: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        values: &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51,
            0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1,
            0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18,
            0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
            0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57,
            0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
            0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92,
            0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
            0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
            0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8,
            0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2,
            0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
        ],
    },
    Huffman {
        id: 0x01,
        lengths: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        values: &DC_VALUES,
    },
    Huffman {
        id: 0x11,
        lengths: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        values: &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07,
            0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09,
            0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25,
            0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38,
            0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56,
            0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74,
            0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
            0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
            0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
            0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6,
            0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2,
            0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
        ],
    },
];

/// Table K.1, for brightness, in zigzag order.
const LUMINANCE: [u8; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
    29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81,
    87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];
/// Table K.2, for colour, in zigzag order: from here on 99.
const CHROMINANCE: [u8; 14] = [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66];

/// Both tables for a quality of 1 to 99, in zigzag order (RFC 2435 section 4.2).
pub(super) fn quantization(quality: u8) -> [u8; 128] {
    let quality = u32::from(quality.clamp(1, 99));
    let factor = if quality < 50 { 5000 / quality } else { 200 - quality * 2 };
    let mut tables = [99; 128];
    let known = LUMINANCE.iter().chain(&CHROMINANCE);
    tables.iter_mut().zip(known).for_each(|(cell, known)| *cell = *known);
    tables.map(|base| ((u32::from(base) * factor + 50) / 100).clamp(1, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order in which a block of eight by eight is walked through.
    fn zigzag() -> impl Iterator<Item = (usize, usize)> {
        (0..15usize).flat_map(|sum| {
            let cells = (0..=sum).filter(move |row| *row < 8 && sum - row < 8);
            let mut cells: alloc::vec::Vec<_> = cells.map(|row| (row, sum - row)).collect();
            if sum % 2 == 0 {
                cells.reverse();
            }
            cells
        })
    }

    #[test]
    fn quantization_tables_are_those_of_annex_k_along_the_zigzag() {
        let luminance = [
            [16, 11, 10, 16, 24, 40, 51, 61],
            [12, 12, 14, 19, 26, 58, 60, 55],
            [14, 13, 16, 24, 40, 57, 69, 56],
            [14, 17, 22, 29, 51, 87, 80, 62],
            [18, 22, 37, 56, 68, 109, 103, 77],
            [24, 35, 55, 64, 81, 104, 113, 92],
            [49, 64, 78, 87, 103, 121, 120, 101],
            [72, 92, 95, 98, 112, 100, 103, 99],
        ];
        let mut chrominance = [[99; 8]; 8];
        for (row, known) in [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
            .iter()
            .enumerate()
        {
            chrominance[row][..4].copy_from_slice(known);
        }
        // A quality of 50 is the tables as they are.
        let tables = quantization(50);
        for (at, (row, column)) in zigzag().enumerate() {
            assert_eq!(tables[at], luminance[row][column], "{at}");
            assert_eq!(tables[64 + at], chrominance[row][column], "{at}");
        }
    }

    #[test]
    fn quality_scales_and_stays_within_an_octet() {
        assert_eq!(quantization(25)[0], 32);
        assert_eq!(quantization(75)[0], 8);
        assert_eq!((quantization(1)[0], quantization(99)[127]), (255, 2));
    }

    #[test]
    fn huffman_tables_have_as_many_values_as_codes_each_once() {
        for table in HUFFMAN {
            let codes = table.lengths.iter().map(|count| usize::from(*count)).sum::<usize>();
            assert_eq!(codes, table.values.len(), "{:02x}", table.id);
            let mut values = table.values.to_vec();
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), codes);
            // Kraft: the codes fill all but the one of ones only.
            let filled: u32 = (1..).zip(table.lengths).map(|(n, c)| u32::from(c) << (16 - n)).sum();
            assert!(((1 << 16) - (1 << 7)..1 << 16).contains(&filled), "{filled:x}");
        }
    }
}
