//! A whiteboard with one other person: the one task that owns a node of a conference and its TCP connection.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use t120_core::conference::{Conference, Config, Connection, EndReason, Event};
use t120_core::whiteboard::{self, Object};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout, timeout_at};

use crate::random;
use crate::render::{Outline, Point, Shape};

/// The name of the conference, which both sides know.
const CONFERENCE: &str = "1";

/// The one connection that there is.
const PEER: Connection = Connection(0);

/// How long the other side may take none of what it is sent.
const WRITE: Duration = Duration::from_secs(10);

/// Who of the two is at the top of the conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that was connected to.
    Host,
    /// The one that connected.
    Guest,
}

/// What somebody wants of the node.
type Question = Box<dyn FnOnce(&mut Conference<'static>) + Send>;

/// A whiteboard that is open.
#[derive(Debug)]
pub struct Board {
    questions: mpsc::Sender<Question>,
    /// How often something has happened.
    changes: watch::Receiver<u64>,
    task: JoinHandle<Result<()>>,
}

impl Board {
    /// Opens it over a connection.
    pub fn open(stream: TcpStream, role: Role, name: &str) -> Result<Self> {
        stream.set_nodelay(true)?;
        let mut node = Conference::growing(Config::new(name)?, random::seed()?)?;
        let epoch = Instant::now();
        match role {
            Role::Host => {
                node.host(CONFERENCE)?;
                node.accept(epoch.elapsed(), PEER)?;
            }
            Role::Guest => node.join(epoch.elapsed(), PEER, CONFERENCE)?,
        }
        let (questions, asked) = mpsc::channel(16);
        let (tell, changes) = watch::channel(0);
        let driver =
            Driver { buffer: vec![0; node.transmit_len()], node, stream, epoch, tell, ended: None };
        Ok(Self { questions, changes, task: tokio::spawn(driver.run(asked)) })
    }

    /// Draws a shape.
    pub async fn draw(&self, shape: Shape) -> Result<()> {
        self.ask(move |node| draw(node, &shape)).await?
    }

    /// Waits until the board is as `is` wants it.
    pub async fn until(
        &mut self,
        what: &str,
        limit: Duration,
        is: impl Fn(&Conference<'static>) -> bool + Clone + Send + 'static,
    ) -> Result<()> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            self.changes.mark_unchanged();
            let is = is.clone();
            if self.ask(move |node| is(node)).await? {
                return Ok(());
            }
            match timeout_at(until, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => bail!("the whiteboard was closed before {what}"),
                Err(_) => {
                    bail!("the whiteboard waited {} s in vain for {what}", limit.as_secs_f32())
                }
            }
        }
    }

    /// What stands on it, the lowest first.
    pub async fn shapes(&self) -> Result<Vec<Shape>> {
        self.ask(|node| node.board().objects().filter_map(|object| shape(&object)).collect()).await
    }

    /// Who takes part.
    pub async fn names(&self) -> Result<Vec<String>> {
        self.ask(|node| node.roster().map(|node| node.name.to_owned()).collect()).await
    }

    /// Leaves, and closes the connection.
    pub async fn close(self) -> Result<()> {
        // Where the other side has closed it already there is nobody to ask.
        let _ = self.ask(|node| node.leave()).await;
        drop(self.questions);
        self.task.await.context("the whiteboard's task broke")?
    }

    async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Conference<'static>) -> R + Send + 'static,
    ) -> Result<R> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |node| {
            // Whoever asked may not wait any more.
            let _ = answer.send(question(node));
        });
        self.questions.send(question).await.map_err(|_| anyhow!("the whiteboard is closed"))?;
        answered.await.context("the whiteboard is closed")
    }
}

struct Driver {
    node: Conference<'static>,
    stream: TcpStream,
    epoch: Instant,
    buffer: Vec<u8>,
    tell: watch::Sender<u64>,
    /// Why the connection is to be closed, once it is.
    ended: Option<EndReason>,
}

impl Driver {
    /// Runs until nobody can ask any more, or the conference has ended.
    async fn run(mut self, mut asked: mpsc::Receiver<Question>) -> Result<()> {
        let mut inbox = Vec::new();
        loop {
            self.drain().await?;
            match self.ended {
                None => {}
                Some(EndReason::Ended) => return Ok(()),
                Some(reason) => bail!("the whiteboard was closed: {reason:?}"),
            }
            let timeout =
                self.epoch + self.node.poll_timeout().unwrap_or(Duration::from_secs(3600));
            tokio::select! {
                question = asked.recv() => match question {
                    Some(question) => question(&mut self.node),
                    None => return self.goodbye().await,
                },
                read = self.stream.read_buf(&mut inbox) => match read {
                    Ok(len) if len > 0 => self.take(&mut inbox).await?,
                    Err(error) if !self.is_over() => {
                        return Err(error).context("the whiteboard's connection broke");
                    }
                    _ => {
                        self.node.handle_closed(self.epoch.elapsed(), PEER);
                        return self.drain().await;
                    }
                },
                () = sleep_until(timeout.into()) => self.node.handle_timeout(self.epoch.elapsed()),
            }
        }
    }

    /// Takes all whole packets.
    async fn take(&mut self, inbox: &mut Vec<u8>) -> Result<()> {
        let mut at = 0;
        loop {
            let octets = inbox.get(at..).unwrap_or_default();
            match self.node.handle_stream(self.epoch.elapsed(), PEER, octets) {
                Ok((used, event)) => {
                    at += used;
                    event.into_iter().for_each(|event| self.note(event));
                    self.drain().await?;
                    if used == 0 {
                        inbox.drain(..at);
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.drain().await?;
                    return Err(anyhow!(
                        "the whiteboard cannot understand the other side: {error}"
                    ));
                }
            }
        }
    }

    async fn drain(&mut self) -> Result<()> {
        while let Some(transmit) = self.node.poll_transmit(self.epoch.elapsed(), &mut self.buffer) {
            let octets = self.buffer.get(..transmit.len).unwrap_or_default();
            let written = timeout(WRITE, self.stream.write_all(octets)).await;
            let written = written.context("the whiteboard's other side takes nothing")?;
            // Who has left at the same time does not read the goodbye.
            if !self.is_over() {
                written.context("the whiteboard's connection broke")?;
            }
        }
        while let Some(event) = self.node.poll_event() {
            self.note(event);
        }
        Ok(())
    }

    /// What was said last goes out, and the other side has seen it when it closes too.
    async fn goodbye(&mut self) -> Result<()> {
        self.drain().await?;
        let _ = self.stream.shutdown().await;
        let mut rest = [0; 4096];
        let gone =
            async { while matches!(self.stream.read(&mut rest).await, Ok(len) if len > 0) {} };
        let _ = timeout(Duration::from_secs(1), gone).await;
        Ok(())
    }

    /// Whether one of the two has left.
    fn is_over(&self) -> bool {
        self.ended.is_some() || self.node.node().is_none()
    }

    fn note(&mut self, event: Event) {
        if let Event::Ended { reason } | Event::Disconnected { reason, .. } = event {
            self.ended.get_or_insert(reason);
        }
        self.tell.send_modify(|changes| *changes += 1);
    }
}

fn draw(node: &mut Conference<'static>, shape: &Shape) -> Result<()> {
    let [red, green, blue] = shape.colour;
    let thickness = (shape.thickness.round() as u8).max(1);
    let pen = whiteboard::Pen::new(whiteboard::Color::new(red, green, blue), thickness);
    let fill = shape.fill.map(|[red, green, blue]| whiteboard::Color::new(red, green, blue));
    let at = |(x, y): Point| whiteboard::Point::new(x.round() as i32, y.round() as i32);
    let points: Vec<whiteboard::Point>;
    let shape = match &shape.outline {
        Outline::Line(line) => match line.as_slice() {
            [from, to] => whiteboard::Shape::Line { from: at(*from), to: at(*to) },
            line => {
                points = line.iter().copied().map(at).collect();
                whiteboard::Shape::Freehand(points.as_slice().into())
            }
        },
        Outline::Rectangle(from, to) => {
            whiteboard::Shape::Rectangle { from: at(*from), to: at(*to) }
        }
        Outline::Ellipse(from, to) => whiteboard::Shape::Ellipse { from: at(*from), to: at(*to) },
        Outline::Text(corner, height, text) => whiteboard::Shape::Text {
            at: at(*corner),
            height: *height,
            text: whiteboard::Text::new(text)
                .context("the text is empty or too long for one object")?,
        },
    };
    node.draw(shape, pen, fill)?;
    Ok(())
}

/// What an object looks like; nothing where it is of a kind that this program does not know.
fn shape(object: &Object<'_>) -> Option<Shape> {
    let at = |point: whiteboard::Point| (point.x as f32, point.y as f32);
    let outline = match object.shape {
        whiteboard::Shape::Freehand(points) => Outline::Line(points.iter().map(at).collect()),
        whiteboard::Shape::Line { from, to } => Outline::Line(vec![at(from), at(to)]),
        whiteboard::Shape::Rectangle { from, to } => Outline::Rectangle(at(from), at(to)),
        whiteboard::Shape::Ellipse { from, to } => Outline::Ellipse(at(from), at(to)),
        whiteboard::Shape::Text { at: corner, height, text } => {
            Outline::Text(at(corner), height, text.chars().collect())
        }
        _ => return None,
    };
    let colour = |color: whiteboard::Color| [color.red, color.green, color.blue];
    Some(Shape {
        outline,
        colour: colour(object.pen.color),
        thickness: f32::from(object.pen.thickness),
        fill: object.fill.map(colour),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const SOON: Duration = Duration::from_secs(10);

    async fn two() -> (Board, Board) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (host, guest) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let host = Board::open(host.expect("a connection").0, Role::Host, "Bob").expect("a board");
        let guest =
            Board::open(guest.expect("a connection"), Role::Guest, "Alice").expect("a board");
        (host, guest)
    }

    fn drawn(outline: Outline) -> Shape {
        Shape { outline, colour: [10, 20, 30], thickness: 3.0, fill: Some([200, 100, 0]) }
    }

    #[tokio::test]
    async fn what_both_draw_stands_on_both_boards_in_one_order() {
        let (mut host, mut guest) = two().await;
        for board in [&mut host, &mut guest] {
            board.until("the board", SOON, |node| node.board_is_ready()).await.expect("ready");
            board.until("the roster", SOON, |node| node.roster().count() == 2).await.expect("both");
        }
        let mut names = guest.names().await.expect("names");
        names.sort();
        assert_eq!(names, ["Alice", "Bob"]);

        let outlines = [
            Outline::Line(vec![(1.0, 2.0), (3.0, 4.0), (9.0, 1.0)]),
            Outline::Line(vec![(1.0, 2.0), (300.0, 400.0)]),
            Outline::Rectangle((10.0, 10.0), (90.0, 50.0)),
            Outline::Ellipse((10.0, 10.0), (90.0, 50.0)),
            Outline::Text((5.0, 5.0), 30, "Grüße".into()),
        ];
        for outline in &outlines {
            let (a, b) = (host.draw(drawn(outline.clone())), guest.draw(drawn(outline.clone())));
            let (a, b) = tokio::join!(a, b);
            a.and(b).expect("it is drawn");
        }
        for board in [&mut host, &mut guest] {
            board.until("all shapes", SOON, |node| node.board().len() == 10).await.expect("all");
        }
        let shapes = host.shapes().await.expect("shapes");
        assert_eq!(shapes, guest.shapes().await.expect("shapes"));
        for outline in outlines {
            let outline = drawn(outline);
            assert_eq!(shapes.iter().filter(|shape| **shape == outline).count(), 2, "{outline:?}");
        }
        guest.close().await.expect("it closes");
        host.close().await.expect("it closes");
    }

    #[tokio::test]
    async fn both_may_leave_at_the_same_time() {
        for _ in 0..30 {
            let (mut host, mut guest) = two().await;
            for board in [&mut host, &mut guest] {
                board.until("the board", SOON, |node| node.board_is_ready()).await.expect("ready");
            }
            let (host, guest) = tokio::join!(host.close(), guest.close());
            host.and(guest).expect("it closes");
        }
    }

    #[tokio::test]
    async fn the_end_of_the_other_side_ends_the_waiting() {
        let (mut host, guest) = two().await;
        drop(guest);
        let error = host.until("a sign", SOON, |_| false).await.expect_err("nobody is there");
        assert!(
            error.to_string().contains("a sign") || error.to_string().contains("closed"),
            "{error}"
        );
    }
}
