//! A bucket in moto behind a proxy that notes every call and can fail it, hold it up, or forget its conditions.
//!
//! It lives in a thread of its own and ends when dropped.
//!
//! ```no_run
//! # use orgmirror_testing::s3::{Act, Bucket};
//! let bucket = Bucket::make();
//! bucket.on(|call| match call.is("s3:PutObject", "catalog.json") {
//!     true => Act::Answer(409, "ConditionalRequestConflict"),
//!     false => Act::Pass,
//! });
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, Response};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::moto;

/// A call that came.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `HEAD`.
    pub method: String,
    /// As in IAM policies.
    pub action: String,
    /// Without the bucket.
    pub key: String,
    /// The query of the URL.
    pub query: String,
    /// What was sent with it.
    pub headers: HeaderMap,
    /// Of the answer; none: it was not answered (yet).
    pub status: Option<u16>,
}

impl Call {
    /// Whether it is this action on a key that ends so.
    pub fn is(&self, action: &str, end: &str) -> bool {
        self.action == action && self.key.ends_with(end)
    }

    /// The value of a header that was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What becomes of a call.
pub enum Act {
    /// It is made, and answered by moto.
    Pass,
    /// It is not made, and answered with this HTTP status and code of S3.
    Answer(u16, &'static str),
    /// It is not made, and the answer is this.
    Say {
        /// Of HTTP.
        status: u16,
        /// Where the bucket is, for the header that says so.
        region: Option<&'static str>,
        /// What is answered.
        body: String,
    },
    /// It is made, and answered with this HTTP status and code of S3, as if it had failed.
    PassThenAnswer(u16, &'static str),
    /// It is made, and the connection breaks before the answer.
    PassThenBreak,
    /// It is made whatever `If-Match` says.
    ForgetMatch,
    /// It is made whatever `If-None-Match` says.
    ForgetAbsence,
    /// It waits until the sender is used or dropped, and is made then.
    Hold(oneshot::Receiver<()>),
    /// A list gives at most so many keys at once.
    PagesOf(usize),
}

type Rule = Box<dyn FnMut(&Call) -> Act + Send>;

struct Shared {
    name: String,
    http: Http<HttpConnector, Body>,
    rule: Mutex<Rule>,
    calls: Mutex<Vec<Call>>,
    passing: watch::Sender<Passing>,
}

/// What is on its way between the proxy and moto.
#[derive(Default)]
struct Passing {
    calls: usize,
    is_over: bool,
}

/// A call that moto works on, until dropped.
struct Passed(Arc<Shared>);

impl Shared {
    /// None once the proxy passes nothing on any more.
    fn pass(self: &Arc<Self>) -> Option<Passed> {
        let passes = self.passing.send_if_modified(|passing| {
            passing.calls += usize::from(!passing.is_over);
            !passing.is_over
        });
        passes.then(|| Passed(Arc::clone(self)))
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        self.0.passing.send_modify(|passing| passing.calls -= 1);
    }
}

/// A bucket of its own.
pub struct Bucket {
    /// The bucket's name, which no other test has.
    pub name: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bucket {
    /// Makes a bucket that passes all calls on.
    pub fn make() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("orgmirror-test-{}-{number}", std::process::id());
        let made = Self::nowhere(&name);
        let client = client(moto::url());
        on_a_runtime(async move { client.create_bucket().bucket(name).send().await.unwrap() });
        made
    }

    /// The proxy of a bucket that is not there, or another proxy of one that is.
    pub fn nowhere(name: &str) -> Self {
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            http: Http::builder(TokioExecutor::new()).build_http(),
            rule: Mutex::new(Box::new(|_| Act::Pass)),
            calls: Mutex::default(),
            passing: watch::Sender::default(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = std::sync::mpsc::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the proxy");
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
                ready
                    .send(listener.local_addr().expect("its address"))
                    .expect("a test");
                let router = Router::new().fallback(answer).with_state(served);
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("the proxy serves"),
                    _ = stopped => {}
                }
            });
        });
        Self {
            name: name.to_owned(),
            address: address.recv().expect("the proxy starts"),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it answers, for `endpoints = { s3 = ... }`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client through the proxy.
    pub fn client(&self) -> Client {
        client(&self.url())
    }

    /// A client past the proxy.
    pub fn direct(&self) -> Client {
        client(moto::url())
    }

    /// What becomes of calls from now on.
    pub fn on(&self, rule: impl FnMut(&Call) -> Act + Send + 'static) {
        *self
            .shared
            .rule
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// Passes nothing on from now on, and waits until moto is done with what was passed on: what somebody who is killed
    /// by now had asked for is made or never will be.
    pub async fn close(&self) {
        let passing = &self.shared.passing;
        passing.send_modify(|passing| passing.is_over = true);
        let mut passing = passing.subscribe();
        passing
            .wait_for(|passing| passing.calls == 0)
            .await
            .unwrap();
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.shared.calls.lock().unwrap().clear();
    }

    /// Every object with its content.
    pub async fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.contents_below("").await
    }

    /// Every object whose key begins so, with its content.
    pub async fn contents_below(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let client = self.direct();
        let mut contents = BTreeMap::new();
        for key in self.etags(prefix).await.into_keys() {
            let request = client.get_object().bucket(&self.name).key(&key);
            let got = request.send().await.unwrap();
            let bytes = got.body.collect().await.unwrap().to_vec();
            contents.insert(key, bytes);
        }
        contents
    }

    /// Every key that begins so, with its ETag.
    async fn etags(&self, prefix: &str) -> BTreeMap<String, String> {
        let request = self.direct().list_objects_v2();
        let request = request.bucket(&self.name).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut etags = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let objects = page.unwrap().contents.unwrap_or_default().into_iter();
            etags.extend(objects.map(|object| (object.key.unwrap(), object.e_tag.unwrap())));
        }
        etags
    }

    /// Every key there is.
    pub fn keys(&self) -> Vec<String> {
        let (client, name) = (self.direct(), self.name.clone());
        on_a_runtime(async move {
            let mut pages = client
                .list_objects_v2()
                .bucket(name)
                .into_paginator()
                .send();
            let mut keys = Vec::new();
            while let Some(page) = pages.next().await {
                let objects = page.unwrap().contents.unwrap_or_default();
                keys.extend(objects.into_iter().filter_map(|object| object.key));
            }
            keys
        })
    }

    /// An object's content, where nothing is async.
    pub fn get_blocking(&self, key: &str) -> Option<Vec<u8>> {
        let (client, name, key) = (self.direct(), self.name.clone(), key.to_owned());
        on_a_runtime(async move {
            let got = client
                .get_object()
                .bucket(name)
                .key(key)
                .send()
                .await
                .ok()?;
            Some(got.body.collect().await.unwrap().to_vec())
        })
    }

    /// Writes an object past the proxy.
    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let body = bytes.into().into();
        let request = self
            .direct()
            .put_object()
            .bucket(&self.name)
            .key(key)
            .body(body);
        request.send().await.unwrap();
    }

    /// Removes an object past the proxy.
    pub async fn remove(&self, key: &str) {
        let client = self.direct();
        let request = client.delete_object().bucket(&self.name).key(key);
        request.send().await.unwrap();
    }

    /// An object's content; none: there is no such object.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let got = self
            .direct()
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
            .ok()?;
        Some(got.body.collect().await.unwrap().to_vec())
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A client of an endpoint; moto takes any key. Without the SDK's limits of seconds: moto takes its time on a busy machine.
pub fn client(url: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIATEST", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url(url)
        .force_path_style(true);
    Client::from_conf(config.build())
}

fn on_a_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(work)
    });
    thread.join().unwrap()
}

/// An error as S3 words it.
pub fn error_body(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
}

fn say(status: u16, region: Option<&str>, body: String) -> Response<Body> {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .header("x-amz-request-id", "TESTREQUEST");
    if let Some(region) = region {
        response = response.header("x-amz-bucket-region", region);
    }
    response.body(body.into()).unwrap()
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().trim_start_matches('/');
    let key = path
        .strip_prefix(&shared.name)
        .unwrap_or(path)
        .trim_start_matches('/')
        .to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let verb = match (parts.method.as_str(), key.is_empty()) {
        ("GET" | "HEAD", false) => "s3:GetObject".to_owned(),
        ("PUT", false) => "s3:PutObject".to_owned(),
        ("DELETE", false) => "s3:DeleteObject".to_owned(),
        ("GET", true) if query.contains("list-type=2") => "s3:ListBucket".to_owned(),
        (method, _) => format!("{method} {}", parts.uri),
    };
    let call = Call {
        method: parts.method.to_string(),
        action: verb,
        key,
        query,
        headers: parts.headers.clone(),
        status: None,
    };
    let act = (shared.rule.lock().unwrap_or_else(PoisonError::into_inner))(&call);
    let index = {
        let mut calls = shared.calls.lock().unwrap();
        calls.push(call);
        calls.len() - 1
    };
    let mut after = None;
    let mut breaks = false;
    match act {
        Act::Pass => {}
        Act::Answer(status, code) => {
            return noted(
                &shared,
                index,
                say(status, None, error_body(code, "made up by the test")),
            );
        }
        Act::Say {
            status,
            region,
            body,
        } => {
            return noted(&shared, index, say(status, region, body));
        }
        Act::PassThenAnswer(status, code) => after = Some((status, code)),
        Act::PassThenBreak => breaks = true,
        Act::ForgetMatch => drop(parts.headers.remove(IF_MATCH)),
        Act::ForgetAbsence => drop(parts.headers.remove(IF_NONE_MATCH)),
        Act::Hold(released) => drop(released.await),
        Act::PagesOf(keys) => {
            let uri = format!("{}&max-keys={keys}", parts.uri);
            parts.uri = uri.parse().unwrap();
        }
    }
    let uri = format!("{}{}", moto::url(), parts.uri.path_and_query().unwrap());
    parts.uri = uri.parse().unwrap();
    let Some(passed) = shared.pass() else {
        return say(
            503,
            None,
            error_body("ServiceUnavailable", "the proxy is closed"),
        );
    };
    // In a task of its own, as moto goes on as well when whoever asked is gone.
    let answered = tokio::spawn(async move {
        let request = Request::from_parts(parts, body.into());
        let answered = passed.0.http.request(request).await;
        answered.expect("moto answers").map(Body::new)
    });
    let answered = answered.await.unwrap();
    if breaks {
        let broken =
            futures_util::stream::once(async { Err::<Vec<u8>, _>("the connection broke") });
        return Response::builder()
            .status(200)
            .body(Body::from_stream(broken))
            .unwrap();
    }
    let answered = match after {
        Some((status, code)) => say(status, None, error_body(code, "made up by the test")),
        None => answered,
    };
    noted(&shared, index, answered)
}

fn noted(shared: &Shared, index: usize, response: Response<Body>) -> Response<Body> {
    let mut calls = shared.calls.lock().unwrap();
    // The calls may have been forgotten meanwhile.
    if let Some(call) = calls.get_mut(index) {
        call.status = Some(response.status().as_u16());
    }
    drop(calls);
    response
}
