//! The whiteboard's command line.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

use std::io::BufRead as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use t120_core::conference::PORT;
use t120_core::whiteboard::PageId;
use whiteboard::command::Drawing;
use whiteboard::node::{Handle, Happening, Node, Options};
use whiteboard::scene::{self, Scene};
use whiteboard::{archive, picture, svg, web};

/// How long a conference may take to let this node in.
const JOIN: Duration = Duration::from_secs(30);

/// A whiteboard that several people share over T.120.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Begins a conference, and shows its board in the browser.
    Host {
        #[command(flatten)]
        common: Common,
        /// Where others may join.
        #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)))]
        listen: SocketAddr,
        #[command(flatten)]
        page: WebPage,
        /// A board that was kept with `export` to a file .t126.
        #[arg(long, value_name = "FILE")]
        restore: Option<PathBuf>,
    },
    /// Joins a conference, and shows its board in the browser.
    Join {
        /// A node of the conference: HOST or HOST:PORT.
        at: String,
        #[command(flatten)]
        common: Common,
        /// Where others may join at this node.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        #[command(flatten)]
        page: WebPage,
    },
    /// Joins a conference, draws, and leaves.
    ///
    /// A drawing is one argument of words, such as "line 10,10 200,50 300,80 color=#2f7dd1 pen=4 dashed",
    /// "rectangle 10,10 90,50 fill=#ffe08a", "ellipse 10,10 90,50", "polygon 0,0 50,80 90,10",
    /// "dots 5,5 9,9", "line 5,60 90,60 pen=20 marker color=#ffff00",
    /// "text 40,40 height=30 What it says". With "-" they are read from the standard input, one a line.
    #[command(verbatim_doc_comment)]
    Draw {
        /// A node of the conference: HOST or HOST:PORT.
        at: String,
        /// What to draw.
        #[arg(required = true, value_name = "DRAWING")]
        drawings: Vec<String>,
        /// Which page, counted from 1.
        #[arg(long, default_value_t = 1)]
        page: usize,
        #[command(flatten)]
        common: Common,
    },
    /// Joins a conference, writes its board to a file, and leaves.
    Export {
        /// A node of the conference: HOST or HOST:PORT.
        at: String,
        /// The file: .png, .svg, .json, or .t126 to be restored later.
        file: PathBuf,
        /// Which page, counted from 1.
        #[arg(long, default_value_t = 1)]
        page: usize,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args)]
struct Common {
    /// Your name, as the others see it.
    #[arg(long, default_value = "Guest")]
    name: String,
    /// The number of the conference.
    #[arg(long, default_value = "1", value_name = "DIGITS")]
    conference: String,
    /// Tells what happens as one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct WebPage {
    /// The port of the page in the browser, on 127.0.0.1; 0 takes any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    web: u16,
    /// Shows no page.
    #[arg(long, conflicts_with = "web")]
    no_web: bool,
}

impl Common {
    fn options(&self, listen: Option<SocketAddr>) -> Options {
        Options { name: self.name.clone(), conference: self.conference.clone(), listen }
    }
}

/// Tells what happens.
fn tell(json: bool, happening: &Happening) {
    if json {
        println!("{}", serde_json::to_string(happening).unwrap_or_default());
        return;
    }
    match happening {
        Happening::Listening { address } => println!("others may join at {address}"),
        Happening::Joined { node } => println!("in the conference, as number {node}"),
        Happening::Ready { objects } => println!("the board is here, with {objects} objects"),
        Happening::People { names } => println!("there: {}", names.join(", ")),
        Happening::BoardFull => {
            println!("the board is full: something that others drew is missing")
        }
        Happening::Ended { reason } => println!("the conference is over: {reason}"),
        Happening::Web { address } => println!("the board is at {address}"),
        _ => {}
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whiteboard: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Host { common, listen, page, restore } => {
            let kept = restore.map(|file| read(&file)).transpose()?;
            let json = common.json;
            let options = common.options(Some(listen));
            let node = Node::host(&options, move |what| tell(json, &what)).await?;
            for pdu in kept.into_iter().flatten() {
                node.handle().ask(move |node| node.restore(&pdu)).await??;
            }
            stay(node, &page, json).await
        }
        Command::Join { at, common, listen, page } => {
            let json = common.json;
            let options = common.options(listen);
            let node = Node::join(&options, &at, move |what| tell(json, &what)).await?;
            stay(node, &page, json).await
        }
        Command::Draw { at, drawings, page, common } => {
            let drawings = gather(&drawings)?;
            let (node, mut handle) = visit(&at, &common).await?;
            let page = page_of(&handle, page).await?;
            let mut ids = Vec::new();
            for drawing in drawings {
                ids.extend(handle.ask(move |node| drawing.draw(node, PageId(page))).await??);
            }
            let last = ids.clone();
            let stands = move |node: &t120_core::conference::Conference<'static>| {
                let board = node.board();
                let known = |id: &u32| board.object(t120_core::whiteboard::ObjectId(*id)).is_some();
                last.iter().all(known)
            };
            handle.until("what was drawn", JOIN, stands).await?;
            node.leave().await?;
            if common.json {
                println!("{}", serde_json::json!({ "event": "drawn", "ids": ids }));
            } else {
                println!("drawn: {}", ids.len());
            }
            Ok(())
        }
        Command::Export { at, file, page, common } => {
            let (node, handle) = visit(&at, &common).await?;
            let number = page_of(&handle, page).await?;
            let (scene, pictures, kept) = handle
                .ask(|node| (Scene::of(node), scene::pictures(node), archive::write(node)))
                .await?;
            let page = scene.page(number).context("there is no such page")?;
            let octets = match file.extension().and_then(|ending| ending.to_str()) {
                Some("png") => picture::render(&scene, page, &pictures)?.encode_png()?,
                Some("svg") => svg::render(&scene, page, &pictures).into_bytes(),
                Some("json") => serde_json::to_vec_pretty(&scene)?,
                Some("t126") => kept,
                _ => bail!("{} ends in none of .png, .svg, .json, .t126", file.display()),
            };
            std::fs::write(&file, octets)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            node.leave().await?;
            if common.json {
                let objects = scene.items.len();
                let event =
                    serde_json::json!({ "event": "exported", "file": file, "objects": objects });
                println!("{event}");
            } else {
                println!("{} has {} objects", file.display(), scene.items.len());
            }
            Ok(())
        }
    }
}

fn read(file: &Path) -> Result<Vec<Vec<u8>>> {
    let octets =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    archive::read(&octets).with_context(|| file.display().to_string())
}

fn gather(arguments: &[String]) -> Result<Vec<Drawing>> {
    let mut drawings = Vec::new();
    for argument in arguments {
        if argument == "-" {
            for line in std::io::stdin().lock().lines() {
                let line = line?;
                if !line.trim().is_empty() {
                    drawings.push(Drawing::read(&line).with_context(|| line.clone())?);
                }
            }
        } else {
            drawings.push(Drawing::read(argument).with_context(|| argument.clone())?);
        }
    }
    Ok(drawings)
}

/// Joins for a while, and waits for the board.
async fn visit(at: &str, common: &Common) -> Result<(Node, Handle)> {
    let node = Node::join(&common.options(None), at, |_| {}).await?;
    let mut handle = node.handle();
    if let Err(error) = handle.until("the board", JOIN, |node| node.board_is_ready()).await {
        drop(handle);
        // Why it ended says more than that it did.
        node.ended().await?;
        return Err(error);
    }
    Ok((node, handle))
}

/// The name of a page that is counted from 1.
async fn page_of(handle: &Handle, number: usize) -> Result<u32> {
    let page = handle
        .ask(move |node| node.board().pages().nth(number.wrapping_sub(1)).map(|page| page.id.0))
        .await?;
    page.with_context(|| format!("the board has no page {number}"))
}

/// Stays until the conference is over, or the person has enough.
async fn stay(node: Node, page: &WebPage, json: bool) -> Result<()> {
    if !page.no_web {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, page.web));
        let address = web::serve(node.handle(), address).await?;
        tell(json, &Happening::Web { address: format!("http://{address}/") });
    }
    let mut handle = node.handle();
    let over = async { while handle.changed().await {} };
    tokio::select! {
        () = over => {
            // The page in the browser says so, too.
            tokio::time::sleep(Duration::from_millis(300)).await;
            node.ended().await
        }
        _ = stopped() => node.leave().await,
    }
}

/// The person, or the system, wants the program to end.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
