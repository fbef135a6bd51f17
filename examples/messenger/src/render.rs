//! A whiteboard page as a picture.

use anyhow::{Context, Result};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

use whiteboard::font;

/// What a line of text has of its height for capitals; the rest is for what hangs below, and for air.
const CAPITALS: f32 = 0.6;

/// A point of the page, in pixels right and down of its upper left corner.
pub type Point = (f32, f32);

/// What a person drew.
#[derive(Clone, Debug, PartialEq)]
pub enum Outline {
    /// A line through all points: two for a straight one, many for freehand.
    Line(Vec<Point>),
    /// A rectangle by two opposite corners.
    Rectangle(Point, Point),
    /// An ellipse by two opposite corners of the rectangle around it.
    Ellipse(Point, Point),
    /// Text by its upper left corner, the height of its line in pixels, and its characters.
    Text(Point, u16, String),
}

/// One thing on the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Its form.
    pub outline: Outline,
    /// Red, green and blue of its line.
    pub colour: [u8; 3],
    /// How many pixels the line is wide.
    pub thickness: f32,
    /// Red, green and blue of what it encloses.
    pub fill: Option<[u8; 3]>,
}

/// Draws shapes over each other in their order on a white page.
pub fn render(width: u32, height: u32, shapes: &[Shape]) -> Result<Pixmap> {
    let mut picture = Pixmap::new(width, height)
        .with_context(|| format!("a page of {width} x {height} pixels cannot be drawn"))?;
    picture.fill(Color::WHITE);
    for shape in shapes {
        let stroke = Stroke {
            width: shape.thickness.max(1.0),
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let Some(path) = path(&shape.outline) else { continue };
        if let Some(fill) = shape.fill {
            picture.fill_path(&path, &paint(fill), FillRule::Winding, Transform::identity(), None);
        }
        picture.stroke_path(&path, &paint(shape.colour), &stroke, Transform::identity(), None);
    }
    Ok(picture)
}

/// How many pixels of a picture are not white.
pub fn inked(picture: &Pixmap) -> usize {
    let white = tiny_skia::ColorU8::from_rgba(255, 255, 255, 255).premultiply();
    picture.pixels().iter().filter(|&&pixel| pixel != white).count()
}

fn paint([red, green, blue]: [u8; 3]) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

fn path(outline: &Outline) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    match outline {
        Outline::Line(points) => polyline(&mut path, points.iter().copied()),
        Outline::Rectangle(a, b) => path.push_rect(between(*a, *b)?),
        Outline::Ellipse(a, b) => path.push_oval(between(*a, *b)?),
        Outline::Text((x, y), height, text) => {
            let unit = f32::from(*height) * CAPITALS / font::CAPITAL_HEIGHT;
            let mut left = *x;
            for character in text.chars() {
                for stroke in font::glyph(character) {
                    let at = |(right, down): Point| (left + right * unit, y + down * unit);
                    polyline(&mut path, stroke.map(at));
                }
                left += font::ADVANCE * unit;
            }
        }
    }
    path.finish()
}

fn polyline(path: &mut PathBuilder, points: impl IntoIterator<Item = Point>) {
    let mut points = points.into_iter();
    let Some((x, y)) = points.next() else { return };
    path.move_to(x, y);
    let mut alone = true;
    for (x, y) in points {
        path.line_to(x, y);
        alone = false;
    }
    if alone {
        // A touch of the pen is a dot; a path without length would leave nothing.
        path.line_to(x + 0.01, y);
    }
}

fn between(a: Point, b: Point) -> Option<Rect> {
    Rect::from_ltrb(a.0.min(b.0), a.1.min(b.1), a.0.max(b.0), a.1.max(b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(outline: Outline) -> Shape {
        Shape { outline, colour: [200, 30, 30], thickness: 2.0, fill: None }
    }

    fn ink(outline: Outline) -> usize {
        inked(&render(200, 100, &[shape(outline)]).expect("a small page"))
    }

    #[test]
    fn every_outline_leaves_ink() {
        assert!(ink(Outline::Line(vec![(10.0, 10.0), (90.0, 50.0), (20.0, 80.0)])) > 200);
        assert!(ink(Outline::Line(vec![(10.0, 10.0)])) > 0, "a dot");
        assert!(ink(Outline::Rectangle((90.0, 50.0), (10.0, 10.0))) > 200);
        assert!(ink(Outline::Ellipse((10.0, 10.0), (90.0, 50.0))) > 200);
        assert!(ink(Outline::Text((5.0, 5.0), 20, "Hello, world!".into())) > 200);
        assert_eq!(ink(Outline::Line(Vec::new())), 0);
    }

    #[test]
    fn the_order_of_crossing_lines_shows() {
        let a = shape(Outline::Line(vec![(0.0, 0.0), (50.0, 50.0)]));
        let b =
            Shape { colour: [0, 0, 200], ..shape(Outline::Line(vec![(0.0, 50.0), (50.0, 0.0)])) };
        let one = render(60, 60, &[a.clone(), b.clone()]).expect("a small page");
        let other = render(60, 60, &[b, a]).expect("a small page");
        assert_ne!(one.data(), other.data());
    }

    #[test]
    fn what_is_filled_leaves_more_ink() {
        let outline = Outline::Ellipse((10.0, 10.0), (90.0, 50.0));
        let filled = Shape { fill: Some([0, 200, 0]), ..shape(outline.clone()) };
        let filled = inked(&render(200, 100, &[filled]).expect("a small page"));
        assert!(filled > 2 * ink(outline), "{filled}");
    }

    #[test]
    fn a_page_without_size_is_refused() {
        assert!(render(0, 100, &[]).is_err());
    }
}
