//! A page as SVG.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding};

use crate::picture::is_open;
use crate::scene::{Form, Format, Item, Page, Pictures, Point, Scene};

/// Draws a page.
pub fn render(scene: &Scene, page: &Page, pictures: &Pictures) -> String {
    let (width, height) = (page.width, page.height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\n<rect width=\"{width}\" height=\"{height}\" \
         fill=\"{}\"/>\n",
        page.background
    );
    for item in scene.shown(page.id) {
        draw(&mut svg, item, pictures);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, item: &Item, pictures: &Pictures) {
    let style = &item.style;
    let fill = style.fill.as_deref().filter(|_| !is_open(&item.form)).unwrap_or("none");
    let thickness = style.thickness;
    let mut with = format!(
        "stroke=\"{}\" stroke-width=\"{thickness}\" fill=\"{fill}\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\"",
        style.color
    );
    if style.marker {
        with.push_str(" opacity=\"0.43\"");
    }
    if style.dashed {
        let thickness = f32::from(thickness);
        let _ = write!(with, " stroke-dasharray=\"{} {}\"", thickness * 3.0, thickness * 2.5);
    }
    if let Some((degrees, [x, y])) = item.turned {
        let _ = write!(with, " transform=\"rotate({degrees} {x} {y})\"");
    }
    // Writing to a string cannot fail.
    let _ = match &item.form {
        Form::Line { points } => writeln!(svg, "<polyline points=\"{}\" {with}/>", list(points)),
        Form::Polygon { points } => writeln!(svg, "<polygon points=\"{}\" {with}/>", list(points)),
        Form::Dots { points } => {
            let dots: String = points.iter().map(|[x, y]| format!("M{x} {y}h.01")).collect();
            writeln!(svg, "<path d=\"{dots}\" {with}/>")
        }
        Form::Rectangle { from, to } => {
            let ([x, y], [width, height]) = corner(*from, *to);
            let size = format!("width=\"{width}\" height=\"{height}\"");
            writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" {size} {with}/>")
        }
        Form::Ellipse { from, to } => {
            let ([x, y], [width, height]) = corner(*from, *to);
            let (rx, ry) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
            let (cx, cy) = (f64::from(x) + rx, f64::from(y) + ry);
            writeln!(svg, "<ellipse cx=\"{cx}\" cy=\"{cy}\" rx=\"{rx}\" ry=\"{ry}\" {with}/>")
        }
        Form::Text { at: [x, y], height, text } => {
            let size = f32::from(*height) * 0.8;
            text.split('\n').enumerate().try_for_each(|(number, line)| {
                let down = (number as f32 + 0.72) * f32::from(*height);
                writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{}\" font-size=\"{size}\" fill=\"{}\" \
                     font-family=\"sans-serif\" xml:space=\"preserve\">{}</text>",
                    *y as f32 + down,
                    style.color,
                    escaped(line)
                )
            })
        }
        Form::Picture { at: [x, y], size: [width, height], .. } => {
            let Some(data) = item.id.and_then(|id| pictures.get(&id)) else { return };
            if data.format != Format::Jpeg {
                return;
            }
            let octets = Base64::encode_string(&data.octets);
            writeln!(
                svg,
                "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                 preserveAspectRatio=\"none\" href=\"data:image/jpeg;base64,{octets}\"/>"
            )
        }
    };
}

fn list(points: &[Point]) -> String {
    let mut text: Vec<String> = points.iter().map(|[x, y]| format!("{x},{y}")).collect();
    if let [only] = text.as_slice() {
        // A line of one point would leave nothing.
        text.push(only.clone());
    }
    text.join(" ")
}

fn corner(a: Point, b: Point) -> (Point, Point) {
    let corner = [a[0].min(b[0]), a[1].min(b[1])];
    (corner, [a[0].max(b[0]) - corner[0], a[1].max(b[1]) - corner[1]])
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // What XML has no place for at all.
            '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Drawing;

    #[test]
    fn what_others_write_stays_text() {
        let drawing = Drawing::read("text 1,2 height=10 <script>\"a\" & b\u{1}").unwrap();
        let Drawing { form, style } = drawing;
        let item = Item { id: None, page: 1, form, style, hidden: false, turned: None };
        let page = Page { id: 1, width: 20, height: 10, background: "#ffffff".to_owned() };
        let scene = Scene { items: vec![item], ..Scene::default() };
        let svg = render(&scene, &page, &Pictures::new());
        assert!(svg.contains("&lt;script&gt;\"a\" &amp; b\u{fffd}</text>"), "{svg}");
        assert!(!svg.contains("<script"), "{svg}");
    }
}
