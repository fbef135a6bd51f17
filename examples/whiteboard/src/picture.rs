//! A page as pixels.

use anyhow::{Context, Result, ensure};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PixmapPaint, Rect, Stroke,
    StrokeDash, Transform,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::font;
use crate::scene::{self, Form, Format, Item, Page, PictureData, Pictures, Point, Scene};

/// What a line of text has of its height for capitals; the rest is for what hangs below, and for air.
const CAPITALS: f32 = 0.6;
/// How much of a marker's ink is there.
const MARKER: u8 = 110;
/// The most pixels that a picture on the board may have to be shown.
const MAX_SIDE: u32 = 8192;

/// Draws a page.
pub fn render(scene: &Scene, page: &Page, pictures: &Pictures) -> Result<Pixmap> {
    let (width, height) = (u32::from(page.width), u32::from(page.height));
    ensure!(width <= MAX_SIDE && height <= MAX_SIDE, "a page of more than {MAX_SIDE} pixels");
    let mut picture = Pixmap::new(width, height).context("a page without size")?;
    picture.fill(color(&page.background, 255));
    for item in scene.shown(page.id) {
        draw(&mut picture, item, pictures);
    }
    Ok(picture)
}

/// The width and the height of a JPEG in pixels.
pub fn jpeg_size(octets: &[u8]) -> Option<(u32, u32)> {
    let mut decoder = JpegDecoder::new(ZCursor::new(octets));
    decoder.decode_headers().ok()?;
    let (width, height) = decoder.dimensions()?;
    Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?))
}

/// A picture of the board as PNG; nothing where it cannot be read.
pub fn png(data: &PictureData) -> Option<Vec<u8>> {
    pixels(data)?.encode_png().ok()
}

fn color(text: &str, alpha: u8) -> Color {
    let color = scene::color(text).unwrap_or_default();
    Color::from_rgba8(color.red, color.green, color.blue, alpha)
}

fn draw(picture: &mut Pixmap, item: &Item, pictures: &Pictures) {
    let transform = item.turned.map_or_else(Transform::identity, |(degrees, [x, y])| {
        Transform::from_rotate_at(degrees, x as f32, y as f32)
    });
    let alpha = if item.style.marker { MARKER } else { 255 };
    let paint = |text: &str| {
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        paint.set_color(color(text, alpha));
        paint
    };
    let thickness = f32::from(item.style.thickness);
    let dash = if item.style.dashed {
        StrokeDash::new(vec![thickness * 3.0, thickness * 2.5], 0.0)
    } else {
        None
    };
    let stroke = Stroke {
        width: thickness,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        dash,
        ..Stroke::default()
    };
    if let Form::Picture { at, size, .. } = &item.form {
        let shown = item.id.and_then(|id| pictures.get(&id)).and_then(pixels);
        if let Some(shown) = shown {
            let scale = |size: i32, pixels: u32| size as f32 / pixels as f32;
            let transform = transform
                .pre_translate(at[0] as f32, at[1] as f32)
                .pre_scale(scale(size[0], shown.width()), scale(size[1], shown.height()));
            let paint = PixmapPaint {
                quality: tiny_skia::FilterQuality::Bilinear,
                ..PixmapPaint::default()
            };
            picture.draw_pixmap(0, 0, shown.as_ref(), &paint, transform, None);
        }
        return;
    }
    let Some(path) = path(&item.form) else { return };
    if let (Some(fill), false) = (&item.style.fill, is_open(&item.form)) {
        picture.fill_path(&path, &paint(fill), FillRule::EvenOdd, transform, None);
    }
    let stroke = match item.form {
        // Letters have a thickness of their own.
        Form::Text { height, .. } => {
            Stroke { width: f32::from(height) / 14.0, dash: None, ..stroke }
        }
        _ => stroke,
    };
    picture.stroke_path(&path, &paint(&item.style.color), &stroke, transform, None);
}

/// Whether a form encloses nothing that could be filled.
pub(crate) const fn is_open(form: &Form) -> bool {
    matches!(form, Form::Line { .. } | Form::Dots { .. } | Form::Text { .. })
}

fn path(form: &Form) -> Option<tiny_skia::Path> {
    let mut path = PathBuilder::new();
    let place = |[x, y]: Point| (x as f32, y as f32);
    match form {
        Form::Line { points } => polyline(&mut path, points.iter().copied().map(place)),
        Form::Polygon { points } => {
            polyline(&mut path, points.iter().copied().map(place));
            path.close();
        }
        Form::Dots { points } => {
            for point in points {
                polyline(&mut path, [place(*point)]);
            }
        }
        Form::Rectangle { from, to } => path.push_rect(between(place(*from), place(*to))?),
        Form::Ellipse { from, to } => path.push_oval(between(place(*from), place(*to))?),
        Form::Text { at, height, text } => {
            let unit = f32::from(*height) * CAPITALS / font::CAPITAL_HEIGHT;
            let (left, mut y) = place(*at);
            for line in text.split('\n') {
                let mut x = left;
                for character in line.chars() {
                    for stroke in font::glyph(character) {
                        let shift = |(right, down)| (x + right * unit, y + down * unit);
                        polyline(&mut path, stroke.map(shift));
                    }
                    x += font::ADVANCE * unit;
                }
                y += f32::from(*height);
            }
        }
        Form::Picture { .. } => return None,
    }
    path.finish()
}

fn polyline(path: &mut PathBuilder, points: impl IntoIterator<Item = (f32, f32)>) {
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

fn between(a: (f32, f32), b: (f32, f32)) -> Option<Rect> {
    Rect::from_ltrb(a.0.min(b.0), a.1.min(b.1), a.0.max(b.0), a.1.max(b.1))
}

/// The pixels of a picture; nothing where it cannot be read.
fn pixels(data: &PictureData) -> Option<Pixmap> {
    let (width, height, rgb) = match data.format {
        Format::Rgb => (data.width, data.height, data.octets.clone()),
        Format::Grayscale => {
            let octets = data.octets.iter().flat_map(|octet| [*octet; 3]).collect();
            (data.width, data.height, octets)
        }
        Format::Jpeg => {
            let options = DecoderOptions::default()
                .set_max_width(MAX_SIDE as usize)
                .set_max_height(MAX_SIDE as usize)
                .jpeg_set_out_colorspace(ColorSpace::RGB);
            let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&data.octets), options);
            let octets = decoder.decode().ok()?;
            let (width, height) = decoder.dimensions()?;
            (u32::try_from(width).ok()?, u32::try_from(height).ok()?, octets)
        }
        Format::Unknown => return None,
    };
    if width > MAX_SIDE || height > MAX_SIDE {
        return None;
    }
    let mut pixmap = Pixmap::new(width, height)?;
    let (read, _) = rgb.as_chunks::<3>();
    for (pixel, [red, green, blue]) in pixmap.pixels_mut().iter_mut().zip(read) {
        *pixel = tiny_skia::ColorU8::from_rgba(*red, *green, *blue, 255).premultiply();
    }
    Some(pixmap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Drawing;

    fn scene(drawings: &[&str]) -> (Scene, Page) {
        let items = drawings.iter().enumerate().map(|(id, text)| {
            let Drawing { form, style } = Drawing::read(text).expect("a drawing");
            let id = Some(id as u32);
            Item { id, page: 1, form, style, hidden: false, turned: None }
        });
        let background = "#ffffff".to_owned();
        let page = Page { id: 1, width: 200, height: 100, background };
        (Scene { items: items.collect(), ..Scene::default() }, page)
    }

    fn ink(drawings: &[&str]) -> usize {
        let (scene, page) = scene(drawings);
        let picture = render(&scene, &page, &Pictures::new()).expect("a small page");
        let white = tiny_skia::ColorU8::from_rgba(255, 255, 255, 255).premultiply();
        picture.pixels().iter().filter(|pixel| **pixel != white).count()
    }

    #[test]
    fn every_form_leaves_ink() {
        for drawing in [
            "line 10,10 90,50",
            "polygon 10,10 90,50 20,80",
            "rectangle 90,50 10,10",
            "ellipse 10,10 90,50",
            "text 5,5 height=30 Hello, world!",
        ] {
            assert!(ink(&[drawing]) > 150, "{drawing}");
        }
        assert!(ink(&["dots 10,10 30,30 pen=1"]) > 0);
        assert_eq!(ink(&[]), 0);
    }

    #[test]
    fn what_is_filled_leaves_more_and_what_is_broken_less() {
        let plain = ink(&["ellipse 10,10 90,50"]);
        assert!(ink(&["ellipse 10,10 90,50 fill=#00ff00"]) > 2 * plain);
        assert!(ink(&["ellipse 10,10 90,50 dashed"]) < plain);
    }

    #[test]
    fn a_marker_lets_through_what_lies_below() {
        let text = "rectangle 0,0 200,100 fill=#000000 color=#000000";
        let (scene, page) = scene(&[text, "line 0,50 200,50 pen=40 marker color=#ffff00"]);
        let picture = render(&scene, &page, &Pictures::new()).expect("a small page");
        let pixel = picture.pixel(100, 50).expect("it is there").demultiply();
        assert!(pixel.red() > 60 && pixel.red() < 200, "{pixel:?}");
        assert_eq!(pixel.blue(), 0);
    }

    #[test]
    fn a_picture_covers_its_place() {
        let (mut board, page) = scene(&[]);
        let form = Form::Picture { at: [50, 20], size: [100, 60], complete: true };
        let style = scene::Style::default();
        board.items.push(Item { id: Some(7), page: 1, form, style, hidden: false, turned: None });
        let octets = vec![200, 0, 0, 0, 200, 0];
        let data = PictureData { format: Format::Rgb, width: 2, height: 1, octets };
        let picture = render(&board, &page, &Pictures::from([(7, data)])).expect("a small page");
        let at = |x, y| picture.pixel(x, y).expect("it is there").demultiply();
        assert_eq!((at(55, 50).red(), at(145, 50).green()), (200, 200));
        assert_eq!((at(40, 50).red(), at(160, 50).red()), (255, 255));
    }
}
