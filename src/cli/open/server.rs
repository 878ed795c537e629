//! The server of the page: what a browser asks for, over HTTP. The only file that names `axum`.
//!
//! A request is looked at in one place, before anything answers it: for this address, from this page, by somebody who came in.
//! What changes something is a POST with the page's own origin. Nothing that comes from outside is put into markup: the page
//! is a fixed text, and what it shows comes as JSON.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc as threads;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::Listener;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::sleep;

use crate::cli::open::door::Door;
use crate::cli::open::secret::secret;
use crate::cli::open::watch::{Frames, NotTaken, SentNote, Stream, Watch};

const PAGE: &str = include_str!("page.html");
const ENTRY: &str = include_str!("entry.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

/// Of an answer with what goes with it.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// At once; a browser opens six at most for each of its tabs. More of them wait.
const CONNECTIONS_MAX: usize = 128;
/// Changes are sent no sooner than this after the last ones.
const PACE: Duration = Duration::from_millis(60);
/// A connection that nobody reads any more is noticed when something is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long tabs have to take the last of it.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Scripts and styles of this page alone, and no other page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page that is there.
#[derive(Debug)]
pub(in crate::cli) struct Server {
    watch: Watch,
    /// Tells when the last connection has ended.
    ended: threads::Receiver<()>,
}

#[derive(Debug)]
struct Shown {
    door: Door,
    watch: Watch,
}

type Page = State<Arc<Shown>>;

impl Server {
    /// Serves on a thread of its own, so that nothing that a browser does holds up a run.
    pub(super) fn begin(listener: TcpListener, door: Door, watch: Watch) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, ended) = threads::channel();
        let shown = Arc::new(Shown { door, watch: watch.clone() });
        let work = async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let listener = Counted { listener, free: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
            let over = shown.watch.clone();
            let router = router(shown);
            let _gone = axum::serve(listener, router).with_graceful_shutdown(async move { over.ended().await }).await;
        };
        thread::Builder::new().name("page".to_owned()).spawn(move || {
            runtime.block_on(work);
            let _nobody_waits = sender.send(());
        })?;
        Ok(Server { watch, ended })
    }

    /// Sends every tab the last of it.
    pub(in crate::cli) fn close(self) {
        self.watch.end();
        let _or_not_in_time = self.ended.recv_timeout(CLOSE_LIMIT);
    }
}

fn router(shown: Arc<Shown>) -> Router {
    let at = |name: &str| format!("{}{name}", shown.door.path());
    let script = || async { text("text/javascript", SCRIPT) };
    let style = || async { text("text/css", STYLE) };
    Router::new()
        .route(&at(""), get(page))
        .route(&at("page.js"), get(script))
        .route(&at("page.css"), get(style))
        .route(&at("enter"), post(enter))
        .route(&at("tab"), post(tab))
        .route(&at("hold"), post(hold))
        .route(&at("answer"), post(answer))
        .route(&at("stop"), post(stop))
        .route(&at("events"), get(events))
        .route(&at("log"), get(log))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&shown), guard))
        .with_state(shown)
}

/// Every request passes here before it is answered, also one that nothing answers.
async fn guard(State(shown): Page, request: Request, next: Next) -> Response {
    let refused = shown.refuse(request.method(), request.uri(), request.headers());
    let mut response = match refused {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

impl Shown {
    /// Why a request is not answered.
    fn refuse(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let host = header(headers, HOST);
        if !self.door.is_ours(host) {
            return Some(refusal(
                StatusCode::MISDIRECTED_REQUEST,
                "This page has another address: the one that recover printed.",
            ));
        }
        let looks = *method == Method::GET || *method == Method::HEAD;
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        if !origin.map_or(looks, |origin| Door::is_own_origin(origin, host)) {
            return Some(refusal(StatusCode::FORBIDDEN, "Another page has asked for this."));
        }
        let path = self.door.path();
        let Some(name) = uri.path().strip_prefix(&path) else {
            let leads = uri.path() == "/" && self.door.asks_for_token();
            return Some(if leads { to(&path) } else { refusal(StatusCode::NOT_FOUND, "There is nothing here.") });
        };
        // The page says itself how to come in.
        let open_to_all = matches!(name, "" | "enter" | "page.css");
        (!open_to_all && !self.knows(headers))
            .then(|| refusal(StatusCode::FORBIDDEN, "Open the address that recover printed."))
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        headers.get_all(COOKIE).iter().any(|cookies| cookies.to_str().is_ok_and(|cookies| self.door.knows(cookies)))
    }

    fn with_cookie(&self, mut response: Response) -> Response {
        if let Ok(cookie) = HeaderValue::from_str(&self.door.cookie()) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }
}

async fn page(State(shown): Page, uri: Uri, headers: HeaderMap) -> Response {
    if parameter(&uri, "key").is_some_and(|key| shown.door.opens(key)) {
        // The script takes the key out of the address.
        return shown.with_cookie(text("text/html", PAGE));
    }
    if shown.knows(&headers) {
        return text("text/html", PAGE);
    }
    if shown.door.asks_for_token() {
        return (StatusCode::FORBIDDEN, text("text/html", ENTRY)).into_response();
    }
    let told = "Open the address that recover printed in the terminal. Where it was opened for you, it works once.";
    refusal(StatusCode::FORBIDDEN, told)
}

/// The form's text is plain: what stands behind `token=`.
async fn enter(State(shown): Page, body: String) -> Response {
    match body.strip_prefix("token=") {
        Some(token) if shown.door.takes_token(token) => shown.with_cookie(to(&shown.door.path())),
        _ => (StatusCode::FORBIDDEN, text("text/html", ENTRY)).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTab {
    tab: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stopped {
    tab: String,
    place: usize,
    /// So many wishes to end it has seen answered.
    stops: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    tab: String,
    place: usize,
    question: u64,
    text: String,
}

async fn tab(State(shown): Page, body: Bytes) -> Response {
    let Some(OfTab { tab: before }) = read(&body) else { return not_understood() };
    match secret() {
        Ok(name) => json(&serde_json::json!({ "tab": shown.watch.enter(before, name) })),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn hold(State(shown): Page, body: Bytes) -> Response {
    let Some(OfTab { tab: Some(tab) }) = read(&body) else { return not_understood() };
    taken(shown.watch.take_over(&tab))
}

async fn answer(State(shown): Page, body: Bytes) -> Response {
    let Some(Answered { tab, place, question, text }) = read(&body) else { return not_understood() };
    taken(shown.watch.answer(&tab, place, question, &text))
}

async fn stop(State(shown): Page, body: Bytes) -> Response {
    let Some(Stopped { tab, place, stops }) = read(&body) else { return not_understood() };
    taken(shown.watch.stop(&tab, place, stops))
}

async fn log(State(shown): Page, uri: Uri) -> Response {
    let number = |name| parameter(&uri, name).and_then(|number| number.parse().ok());
    let place = number("place").and_then(|place| usize::try_from(place).ok()).unwrap_or_default();
    json(&shown.watch.log(place, number("from").unwrap_or_default()))
}

async fn events(State(shown): Page, uri: Uri) -> Response {
    let stream = match shown.watch.stream(parameter(&uri, "tab").unwrap_or_default()) {
        Ok(stream) => stream,
        Err(error) => return taken(Err(error)),
    };
    let (sender, frames) = mpsc::channel(1);
    let note = stream.note();
    tokio::spawn(send(stream, sender));
    let body = Body::from_stream(Sending { frames, note });
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// Until the last of it, or until the tab has gone.
async fn send(mut stream: Stream, sender: mpsc::Sender<Frames>) {
    loop {
        let frames = tokio::select! {
            frames = stream.next() => frames,
            () = sleep(KEEP_ALIVE) => Frames::nothing(),
            () = sender.closed() => return,
        };
        let last = frames.last;
        if sender.send(frames).await.is_err() || last {
            return;
        }
        sleep(PACE).await;
    }
}

/// The body of a stream. What it hands on is on its way to the tab.
struct Sending {
    frames: mpsc::Receiver<Frames>,
    note: SentNote,
}

impl futures_core::Stream for Sending {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.frames.poll_recv(context).map(|frames| {
            let frames = frames?;
            self.note.were_sent(&frames);
            Some(Ok(Bytes::from(frames.text)))
        })
    }
}

/// Takes no more connections at once than there may be, so that nobody takes all open files of a run.
struct Counted {
    listener: tokio::net::TcpListener,
    free: Arc<Semaphore>,
}

/// A connection, which gives its place free when it ends.
struct Connection {
    stream: tokio::net::TcpStream,
    _place: Option<OwnedSemaphorePermit>,
}

impl Listener for Counted {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.free).acquire_owned().await.ok();
        let (stream, from) = Listener::accept(&mut self.listener).await;
        (Connection { stream, _place: place }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// One value of the part of an address behind the `?`; those of this page are digits.
fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<&'u str> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn header(headers: &HeaderMap, name: axum::http::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn read<'b, T: Deserialize<'b>>(body: &'b Bytes) -> Option<T> {
    serde_json::from_slice(body).ok()
}

fn taken(taken: Result<(), NotTaken>) -> Response {
    match taken {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => refusal(StatusCode::CONFLICT, &why.to_string()),
    }
}

fn not_understood() -> Response {
    refusal(StatusCode::BAD_REQUEST, "This is no request of the page.")
}

fn to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path.to_owned())]).into_response()
}

fn text(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, format!("{kind}; charset=utf-8"))], text).into_response()
}

fn json(value: &impl serde::Serialize) -> Response {
    let text = serde_json::to_string(value).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response()
}

#[cfg(test)]
mod tests;
