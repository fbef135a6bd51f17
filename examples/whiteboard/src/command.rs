//! What a person wants done with the board: as words of a command line, and as JSON of the page.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use t120_core::conference::{Conference, Picture};
use t120_core::whiteboard::{
    self, BitmapFormat, Edit, LineStyle, MAX_POINTS, ObjectId, PageId, PageSetup, Pen, Shape, Text,
    ZOrder,
};

use crate::scene::{self, Form, HEIGHT, Point, Style, WIDTH};

/// A form with its style.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Drawing {
    /// The form.
    #[serde(flatten)]
    pub form: Form,
    /// How it is drawn.
    #[serde(flatten)]
    pub style: Style,
}

/// What a page in the browser asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Something new.
    Draw {
        /// On which page.
        page: u32,
        /// What.
        drawing: Drawing,
    },
    /// A line goes on: points from the one of this number.
    Extend {
        /// Which line.
        id: u32,
        /// The number of the first of them.
        index: u16,
        /// The points.
        points: Vec<Point>,
    },
    /// Moves something, so that its first point or corner comes to lie there.
    Move {
        /// What.
        id: u32,
        /// Where to.
        to: Point,
    },
    /// Gives something another style.
    Restyle {
        /// What.
        id: u32,
        /// Which.
        style: Style,
    },
    /// Puts something above or below the others.
    Order {
        /// What.
        id: u32,
        /// Whether above.
        front: bool,
    },
    /// Takes things away.
    Delete {
        /// Which.
        ids: Vec<u32>,
    },
    /// Shows the pointer there.
    Point {
        /// On which page.
        page: u32,
        /// Where.
        at: Point,
    },
    /// Hides the pointer.
    Hide,
    /// Makes a page.
    AddPage,
    /// Takes a page away.
    DeletePage {
        /// Which.
        page: u32,
    },
}

impl Wish {
    /// Does it; the names of what is new.
    pub fn fulfil(&self, node: &mut Conference<'_>) -> Result<Vec<u32>> {
        let edit = |node: &mut Conference<'_>, id: u32, edit: Edit<'_>| {
            node.edit(ObjectId(id), &edit).context("it cannot be changed so")
        };
        match self {
            Self::Draw { page, drawing } => return drawing.draw(node, PageId(*page)),
            Self::Extend { id, index, points } => {
                let points = at_all(points);
                let points = Some((*index, points[..].into()));
                edit(node, *id, Edit { points, ..Edit::default() })?;
            }
            Self::Move { id, to } => {
                edit(node, *id, Edit { at: Some(at(*to)), ..Edit::default() })?;
            }
            Self::Restyle { id, style } => {
                let fill = Some(style.fill()?);
                edit(node, *id, Edit { pen: Some(style.pen()?), fill, ..Edit::default() })?;
            }
            Self::Order { id, front } => {
                let order = if *front { ZOrder::Front } else { ZOrder::Back };
                edit(node, *id, Edit { order: Some(order), ..Edit::default() })?;
            }
            Self::Delete { ids } => {
                for id in ids {
                    // Another one may have taken it away already.
                    let _ = node.delete(ObjectId(*id));
                }
            }
            Self::Point { page, at: place } => {
                let me = node.node().context("the conference is over")?;
                let color = scene::person_color(me.value());
                node.show_pointer(PageId(*page), at(*place), color)?;
            }
            Self::Hide => node.hide_pointer()?,
            Self::AddPage => {
                let setup = PageSetup { width: WIDTH, height: HEIGHT, ..PageSetup::default() };
                return Ok(vec![node.create_page(&setup)?.0]);
            }
            Self::DeletePage { page } => node.delete_page(PageId(*page))?,
        }
        Ok(Vec::new())
    }
}

/// A picture in JPEG that is to be placed.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Placing {
    /// On which page.
    pub page: u32,
    /// Its left edge.
    pub x: i32,
    /// Its upper edge.
    pub y: i32,
    /// Its width, in units of the page.
    pub width: i32,
    /// Its height, in units of the page.
    pub height: i32,
}

impl Placing {
    /// Places it.
    pub fn place(&self, node: &mut Conference<'_>, jpeg: &[u8]) -> Result<u32> {
        let (width, height) = crate::picture::jpeg_size(jpeg).context("this is no JPEG")?;
        let picture = Picture {
            at: at([self.x, self.y]),
            width,
            height,
            extent: Some(at([self.width, self.height])),
            format: BitmapFormat::Jpeg,
            data: jpeg,
        };
        Ok(node.place(PageId(self.page), &picture).context("the picture cannot be placed")?.0)
    }
}

impl Style {
    fn pen(&self) -> Result<Pen> {
        let color = scene::color(&self.color).context("a colour is #rrggbb")?;
        ensure!(self.thickness > 0, "a pen is 1 to 255 units thick");
        Ok(Pen {
            highlight: self.marker,
            style: if self.dashed { LineStyle::Dashed } else { LineStyle::Solid },
            ..Pen::new(color, self.thickness)
        })
    }

    fn fill(&self) -> Result<Option<whiteboard::Color>> {
        let read = |text: &String| scene::color(text).context("a colour is #rrggbb");
        self.fill.as_ref().map(read).transpose()
    }
}

const fn at([x, y]: Point) -> whiteboard::Point {
    whiteboard::Point::new(x, y)
}

fn at_all(points: &[Point]) -> Vec<whiteboard::Point> {
    points.iter().copied().map(at).collect()
}

impl Drawing {
    /// Reads words: a kind, its points as `x,y`, and what is said of its style.
    ///
    /// ```text
    /// line 10,10 200,50 300,80 color=#2f7dd1 pen=4 dashed
    /// rectangle 10,10 90,50 fill=#ffe08a        ellipse 10,10 90,50
    /// polygon 0,0 50,80 90,10 marker            dots 5,5 9,9
    /// text 40,40 height=30 What it says
    /// ```
    pub fn read(text: &str) -> Result<Self> {
        let mut words = text.split_whitespace();
        let kind = words.next().context("a drawing begins with its kind")?;
        let mut style = Style::default();
        let (mut points, mut rest, mut height) = (Vec::new(), Vec::new(), 28);
        for word in words {
            if !rest.is_empty() {
                rest.push(word);
            } else if let Some((name, value)) = word
                .split_once('=')
                .filter(|(name, _)| ["color", "fill", "pen", "height"].contains(name))
            {
                let wrong = || format!("{value} is no {name}");
                match name {
                    "color" => style.color = value.to_owned(),
                    "fill" => style.fill = Some(value.to_owned()),
                    "pen" => style.thickness = value.parse().with_context(wrong)?,
                    _ => height = value.parse().with_context(wrong)?,
                }
            } else if let Some(point) = point(word) {
                points.push(point);
            } else if word == "marker" {
                style.marker = true;
            } else if word == "dashed" {
                style.dashed = true;
            } else if kind == "text" {
                rest.push(word);
            } else {
                bail!("{word} is neither a point x,y nor color=, fill=, pen=, marker or dashed");
            }
        }
        let two = || match points.as_slice() {
            &[from, to] => Ok((from, to)),
            _ => bail!("a {kind} has two corners"),
        };
        let form = match kind {
            "rectangle" => two().map(|(from, to)| Form::Rectangle { from, to })?,
            "ellipse" => two().map(|(from, to)| Form::Ellipse { from, to })?,
            "text" => {
                let &[at] = points.as_slice() else { bail!("a text has one corner") };
                Form::Text { at, height, text: rest.join(" ") }
            }
            "line" => Form::Line { points },
            "polygon" => Form::Polygon { points },
            "dots" => Form::Dots { points },
            _ => bail!("{kind} is not line, polygon, dots, rectangle, ellipse or text"),
        };
        style.pen()?;
        style.fill()?;
        Ok(Self { form, style })
    }

    /// Draws it; a line of more points than one object has is drawn as several.
    pub fn draw(&self, node: &mut Conference<'_>, page: PageId) -> Result<Vec<u32>> {
        let (pen, fill) = (self.style.pen()?, self.style.fill()?);
        let mut ids = Vec::new();
        let mut put = |shape: Shape<'_>| -> Result<()> {
            let id = node.draw_on(page, shape, pen, fill).context("it cannot be drawn")?;
            ids.push(id.0);
            Ok(())
        };
        match &self.form {
            Form::Line { points } => {
                let points = at_all(points);
                match points.as_slice() {
                    [] => bail!("a line without points"),
                    &[from, to] => put(Shape::Line { from, to })?,
                    points => {
                        let mut from = 0;
                        while from == 0 || from + 1 < points.len() {
                            // Each part begins where the one before it ends.
                            let end = points.len().min(from + MAX_POINTS);
                            put(Shape::Freehand(points[from..end].into()))?;
                            from = end - 1;
                            if from == 0 {
                                break;
                            }
                        }
                    }
                }
            }
            Form::Polygon { points } => put(Shape::Polygon(at_all(points)[..].into()))?,
            Form::Dots { points } => {
                for part in at_all(points).chunks(MAX_POINTS) {
                    put(Shape::Dots(part.into()))?;
                }
            }
            Form::Rectangle { from, to } => {
                put(Shape::Rectangle { from: at(*from), to: at(*to) })?;
            }
            Form::Ellipse { from, to } => put(Shape::Ellipse { from: at(*from), to: at(*to) })?,
            Form::Text { at: corner, height, text } => {
                for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty())
                {
                    let down = i32::try_from(number)? * i32::from(*height);
                    let [x, y] = *corner;
                    let text = Text::new(line).context("a line has up to 255 characters")?;
                    put(Shape::Text { at: at([x, y + down]), height: *height, text })?;
                }
                ensure!(!ids.is_empty(), "an empty text");
            }
            Form::Picture { .. } => bail!("a picture comes with its octets"),
        }
        Ok(ids)
    }
}

fn point(word: &str) -> Option<Point> {
    let (x, y) = word.split_once(',')?;
    Some([x.parse().ok()?, y.parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_drawings() {
        let line = Drawing::read("line 10,10 200,50 color=#2f7dd1 pen=4 dashed").unwrap();
        assert_eq!(line.form, Form::Line { points: vec![[10, 10], [200, 50]] });
        assert_eq!((line.style.color.as_str(), line.style.thickness), ("#2f7dd1", 4));
        assert!(line.style.dashed && !line.style.marker);
        let text = Drawing::read("text 40,-4 height=30 What it says, 5,5").unwrap();
        let says = "What it says, 5,5".to_owned();
        assert_eq!(text.form, Form::Text { at: [40, -4], height: 30, text: says });
    }

    #[test]
    fn what_is_no_drawing_says_why() {
        for (text, why) in [
            ("", "begins with its kind"),
            ("circle 1,1 2,2", "circle is not"),
            ("rectangle 1,1", "two corners"),
            ("line 1,1 2;2", "2;2 is neither"),
            ("line 1,1 2,2 pen=300", "300 is no pen"),
            ("line 1,1 2,2 pen=0", "1 to 255"),
            ("line 1,1 2,2 color=red", "#rrggbb"),
        ] {
            let error = format!("{:#}", Drawing::read(text).unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn the_page_speaks_json() {
        let wish = r##"{"draw":{"page":1,"drawing":{"kind":"ellipse","from":[1,2],"to":[3,4],
            "color":"#00ff00","fill":null,"thickness":9}}}"##;
        let Wish::Draw { page: 1, drawing } = serde_json::from_str(wish).unwrap() else {
            panic!("something to be drawn")
        };
        assert_eq!(drawing.form, Form::Ellipse { from: [1, 2], to: [3, 4] });
        assert_eq!(drawing.style.thickness, 9);
        assert!(matches!(serde_json::from_str(r#""hide""#).unwrap(), Wish::Hide));
    }
}
