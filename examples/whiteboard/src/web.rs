//! The board in the browser: one page, served to this machine alone.
//!
//! ```text
//!   GET  /             the page
//!   GET  /events       what stands on the board, and from then on what changes (server-sent events)
//!   POST /do           something that the person does, as JSON
//!   POST /picture      a JPEG to be placed
//!   GET  /picture/ID   a picture of the board
//!   GET  /export.png, /export.svg, /export.t126
//! ```

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response, sse};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use t120_core::whiteboard::{ObjectId, Shape};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::Stream;

use crate::command::{Placing, Wish};
use crate::node::Handle;
use crate::scene::{self, Format, Scene};
use crate::{archive, picture, svg};

/// The page: nothing else is loaded from anywhere.
const PAGE: &str = include_str!("page.html");
/// How large a picture may be that somebody places, in octets.
const MAX_PICTURE: usize = 4 * 1024 * 1024;
/// How long changes are gathered before the browser is told.
const GATHER: Duration = Duration::from_millis(30);

/// Starts serving; returns where.
pub async fn serve(handle: Handle, address: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("the page cannot be served on {address}"))?;
    let local = listener.local_addr()?;
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/events", get(events))
        .route("/do", post(wish))
        .route("/picture", post(place))
        .route("/picture/{id}", get(show))
        .route("/export.png", get(export_png))
        .route("/export.svg", get(export_svg))
        .route("/export.t126", get(export_archive))
        .layer(DefaultBodyLimit::max(MAX_PICTURE))
        .layer(middleware::from_fn(only_own_pages))
        .with_state(handle);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(local)
}

/// Pages of other sites must not draw: who comes from one says so in Origin, and who comes by a
/// name that leads here says so in Host.
async fn only_own_pages(request: Request, next: Next) -> Response {
    if !is_own(request.headers()) {
        return (StatusCode::FORBIDDEN, "only the board's own page may do this").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                  img-src 'self' blob: data:; connect-src 'self'; frame-ancestors 'none'; \
                  base-uri 'none'; form-action 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(host) = text(header::HOST) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let same = text(header::ORIGIN)
        .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|origin| origin == host));
    local && same
}

/// Why something was not done.
struct Failure(StatusCode, String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::CONFLICT, format!("{error:#}"))
    }
}

async fn wish(
    State(handle): State<Handle>,
    axum::Json(wish): axum::Json<Wish>,
) -> Result<axum::Json<Value>, Failure> {
    let ids = handle.ask(move |node| wish.fulfil(node)).await??;
    Ok(axum::Json(json!({ "ids": ids })))
}

async fn place(
    State(handle): State<Handle>,
    Query(placing): Query<Placing>,
    jpeg: Bytes,
) -> Result<axum::Json<Value>, Failure> {
    let id = handle.ask(move |node| placing.place(node, &jpeg)).await??;
    Ok(axum::Json(json!({ "ids": [id] })))
}

async fn show(State(handle): State<Handle>, Path(id): Path<u32>) -> Result<Response, Failure> {
    let data = handle
        .ask(move |node| match node.board().object(ObjectId(id))?.shape {
            Shape::Bitmap(bitmap) if bitmap.is_complete() => Some(scene::data(&bitmap)),
            _ => None,
        })
        .await?;
    let none = || Failure(StatusCode::NOT_FOUND, "there is no such picture".to_owned());
    let data = data.ok_or_else(none)?;
    if data.format == Format::Jpeg {
        return Ok(([(header::CONTENT_TYPE, "image/jpeg")], data.octets).into_response());
    }
    let png = picture::png(&data).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// Which page is exported.
#[derive(Deserialize)]
struct Export {
    page: u32,
}

async fn exported(handle: &Handle, page: u32) -> Result<(Scene, scene::Page, scene::Pictures)> {
    let (scene, pictures) = handle.ask(|node| (Scene::of(node), scene::pictures(node))).await?;
    let page = scene.page(page).context("there is no such page")?.clone();
    Ok((scene, page, pictures))
}

async fn export_png(
    State(handle): State<Handle>,
    Query(export): Query<Export>,
) -> Result<Response, Failure> {
    let (scene, page, pictures) = exported(&handle, export.page).await?;
    let png = picture::render(&scene, &page, &pictures)?;
    let png = png.encode_png().context("the picture cannot be written")?;
    Ok(file("image/png", "whiteboard.png", png))
}

async fn export_svg(
    State(handle): State<Handle>,
    Query(export): Query<Export>,
) -> Result<Response, Failure> {
    let (scene, page, pictures) = exported(&handle, export.page).await?;
    let svg = svg::render(&scene, &page, &pictures);
    Ok(file("image/svg+xml", "whiteboard.svg", svg.into_bytes()))
}

async fn export_archive(State(handle): State<Handle>) -> Result<Response, Failure> {
    let octets = handle.ask(|node| archive::write(node)).await?;
    Ok(file("application/octet-stream", "whiteboard.t126", octets))
}

fn file(kind: &'static str, name: &str, octets: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, octets).into_response()
}

async fn events(
    State(mut handle): State<Handle>,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let (send, events) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut told = Told::default();
        loop {
            let Ok(scene) = handle.ask(|node| Scene::of(node)).await else { break };
            if let Some(news) = told.news(&scene)
                && send.send(Ok(sse::Event::default().data(news.to_string()))).await.is_err()
            {
                return;
            }
            tokio::time::sleep(GATHER).await;
            let closed = tokio::select! {
                changed = handle.changed() => !changed,
                () = send.closed() => return,
            };
            if closed {
                break;
            }
        }
        let over = json!({ "over": true }).to_string();
        let _ = send.send(Ok(sse::Event::default().data(over))).await;
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(events);
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// What a browser knows already.
#[derive(Default)]
struct Told {
    items: BTreeMap<String, Value>,
    order: Vec<String>,
    rest: Value,
}

impl Told {
    /// What it does not know yet: the items that changed, those that are gone, the order of all,
    /// and the rest where anything of it is new.
    fn news(&mut self, scene: &Scene) -> Option<Value> {
        let mut news = serde_json::Map::new();
        let (mut items, mut order) = (BTreeMap::new(), Vec::new());
        let mut changed = Vec::new();
        for (number, item) in scene.items.iter().enumerate() {
            let name = item.id.map_or_else(|| format!("n{number}"), |id| id.to_string());
            let mut value = serde_json::to_value(item).unwrap_or_default();
            value["name"] = json!(name);
            if self.items.get(&name) != Some(&value) {
                changed.push(value.clone());
            }
            items.insert(name.clone(), value);
            order.push(name);
        }
        if !changed.is_empty() {
            news.insert("items".to_owned(), json!(changed));
        }
        if order != self.order {
            news.insert("order".to_owned(), json!(order));
        }
        let rest = json!({
            "ready": scene.ready,
            "pages": scene.pages,
            "people": scene.people,
            "pointers": scene.pointers,
        });
        if rest != self.rest {
            news.insert("rest".to_owned(), rest.clone());
        }
        (self.items, self.order, self.rest) = (items, order, rest);
        (!news.is_empty()).then_some(Value::Object(news))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_page_is_let_in() {
        let from = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_own(&headers)
        };
        assert!(from("127.0.0.1:8080", None));
        assert!(from("localhost:8080", Some("http://localhost:8080")));
        assert!(!from("127.0.0.1:8080", Some("http://evil.example")));
        assert!(!from("127.0.0.1:8080", Some("http://127.0.0.1:9090")));
        assert!(!from("evil.example:8080", None));
        assert!(!from("evil.example:8080", Some("http://evil.example:8080")));
        assert!(!is_own(&HeaderMap::new()));
    }

    #[test]
    fn a_browser_is_told_only_what_is_new() {
        use crate::command::Drawing;
        use crate::scene::Item;
        let item = |id, text| {
            let Drawing { form, style } = Drawing::read(text).unwrap();
            Item { id: Some(id), page: 1, form, style, hidden: false, turned: None }
        };
        let mut told = Told::default();
        let mut scene = Scene { items: vec![item(1, "line 1,1 2,2")], ..Scene::default() };
        let first = told.news(&scene).unwrap();
        assert_eq!(first["items"].as_array().unwrap().len(), 1);
        assert_eq!(first["order"], json!(["1"]));
        assert!(told.news(&scene).is_none());
        scene.items.push(item(2, "line 1,1 3,3"));
        let second = told.news(&scene).unwrap();
        assert_eq!(second["items"].as_array().unwrap().len(), 1);
        assert_eq!(second["order"], json!(["1", "2"]));
        assert!(second.get("rest").is_none());
        scene.items.swap(0, 1);
        let third = told.news(&scene).unwrap();
        assert!(third.get("items").is_none());
        assert_eq!(third["order"], json!(["2", "1"]));
    }
}
