//! A stroke font for the whiteboard: every printable ASCII character as a few polylines.
//!
//! ```text
//!   x 0 1 2 3 4
//! y 0 . . . . .   height of capitals
//!   2 . . . . .   height of small letters
//!   6 . . . . .   the line that they stand on
//!   8 . . . . .   below it: g j p q y
//! ```
//!
//! A glyph is text: two digits a point (x, y), the points of a polyline without gap, polylines apart by spaces.

/// How many units a capital is high.
pub const CAPITAL_HEIGHT: f32 = 6.0;

/// How many units the pen goes right after a character.
pub const ADVANCE: f32 = 6.0;

/// The polylines of a character, in units right and down of its upper left corner. A character that the font
/// lacks is an empty box, so that nothing vanishes.
pub fn glyph(character: char) -> impl Iterator<Item = impl Iterator<Item = (f32, f32)>> {
    let strokes = u32::from(character)
        .checked_sub(0x20)
        .and_then(|index| GLYPHS.get(usize::try_from(index).ok()?))
        .copied()
        .unwrap_or(BOX);
    strokes.split_ascii_whitespace().map(|polyline| {
        polyline.as_bytes().chunks_exact(2).map(|point| {
            let unit = |digit: u8| f32::from(digit.saturating_sub(b'0'));
            (unit(point[0]), unit(point[1]))
        })
    })
}

const BOX: &str = "0040460600";

/// From space to tilde.
const GLYPHS: [&str; 95] = [
    "",
    "2023 2526",
    "1012 3032",
    "1016 3036 0242 0444",
    "413010010213334445361605 2026",
    "4006 0010110100 3545463635",
    "4612112031320405162644",
    "2022",
    "30121436",
    "10323416",
    "2125 1234 1432",
    "2125 0343",
    "252617",
    "0343",
    "2526",
    "4006",
    "103041453616050110 3115",
    "112026 1636",
    "01103041420646",
    "01103041423313 334445361605",
    "36300444",
    "400002324345361605",
    "413010010516364544331304",
    "004016",
    "103041423313020110 133344453616050413",
    "051636454130100102133342",
    "2223 2526",
    "2223 252617",
    "410345",
    "0242 0444",
    "014305",
    "011030414223 2526",
    "3414123234 344441301001051646",
    "062046 1434",
    "06003041423303 3344453606",
    "4130100105163645",
    "06003041453606",
    "40000646 0333",
    "400006 0333",
    "41301001051636454323",
    "0006 4046 0343",
    "1030 2026 1636",
    "4045361605",
    "0006 400346",
    "000646",
    "0600234046",
    "06004640",
    "103041453616050110",
    "06003041423303",
    "103041453616050110 2446",
    "06003041423303 2346",
    "413010010213334445361605",
    "0040 2026",
    "000516364540",
    "002640",
    "0016233640",
    "0046 4006",
    "002340 2326",
    "00400646",
    "30101636",
    "0046",
    "10303616",
    "022042",
    "0747",
    "1021",
    "12324346 441405163645",
    "0006 0312324345361605",
    "4332120305163645",
    "4046 4332120305163645",
    "04444332120305163645",
    "40302126 0242",
    "4247381807 4332120305163645",
    "0006 0312324346",
    "2021 122226 1636",
    "3031 2232372818",
    "0006 420446",
    "10202536",
    "0602 03122326 23324346",
    "0602 0312324346",
    "123243453616050312",
    "0208 0312324345361605",
    "4248 4332120305163645",
    "0602 03123243",
    "43321203143445361605",
    "20253646 0242",
    "0205163645 4246",
    "022642",
    "0216243642",
    "0246 4206",
    "0226 4218",
    "02420646",
    "30212213242536",
    "2027",
    "10212233242516",
    "03123443",
];

#[cfg(test)]
mod tests {
    use super::{GLYPHS, glyph};

    #[test]
    fn every_glyph_stays_within_its_grid() {
        for character in ' '..='~' {
            for polyline in glyph(character) {
                let points: Vec<(f32, f32)> = polyline.collect();
                assert!(points.len() >= 2, "{character:?} has a lone point");
                assert!(points.iter().all(|&(x, y)| x <= 4.0 && y <= 8.0), "{character:?}");
            }
        }
    }

    #[test]
    fn no_polyline_breaks_a_point_in_two() {
        let halves = GLYPHS.iter().flat_map(|g| g.split(' ')).filter(|p| p.len() % 2 != 0);
        assert_eq!(halves.count(), 0);
    }

    #[test]
    fn no_two_characters_look_the_same() {
        let mut seen = std::collections::HashSet::new();
        assert!(GLYPHS.iter().all(|glyph| seen.insert(glyph)));
    }

    #[test]
    fn an_unknown_character_is_an_empty_box() {
        let outline: Vec<_> = glyph('é').map(Iterator::count).collect();
        assert_eq!(outline, [5]);
    }
}
