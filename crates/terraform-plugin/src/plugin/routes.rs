//! The choice of the service that answers a call.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;
use tower::{Service, ServiceExt};

type Answer = Result<Response<Body>, Infallible>;
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Ask = dyn Fn(Request<Body>) -> Answering + Send + Sync;

/// The services of this process by name. A call's path is `/NAME/METHOD`.
///
/// tonic's own router is axum, which is a web framework: eight seconds of every build, to tell five names apart.
#[derive(Clone, Default)]
pub(super) struct Routes(BTreeMap<&'static str, Arc<Ask>>);

impl Routes {
    /// Adds a service.
    pub(super) fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let ask = move |request| -> Answering { Box::pin(service.clone().oneshot(request)) };
        self.0.insert(S::NAME, Arc::new(ask));
        self
    }

    fn find(&self, path: &str) -> Option<&Arc<Ask>> {
        let (name, _method) = path.strip_prefix('/')?.split_once('/')?;
        self.0.get(name)
    }
}

impl Service<Request<Body>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.find(request.uri().path()) {
            Some(ask) => ask(request),
            None => Box::pin(async { Ok(Status::unimplemented("no such service").into_http()) }),
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use tonic::Code;

    use super::*;

    /// Answers with a header that says which of them it is; ready at the second asking.
    #[derive(Clone)]
    struct One {
        asked: bool,
    }
    #[derive(Clone)]
    struct Two;

    impl NamedService for One {
        const NAME: &'static str = "test.One";
    }
    impl NamedService for Two {
        const NAME: &'static str = "test.OneMore";
    }

    fn answer(name: &'static str) -> Answering {
        let response = Response::builder().header("from", name).body(Body::empty());
        Box::pin(async move { Ok(response.unwrap()) })
    }

    impl Service<Request<Body>> for One {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Answering;

        fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if std::mem::replace(&mut self.asked, true) {
                return Poll::Ready(Ok(()));
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            assert!(self.asked, "called before it was ready");
            answer("one")
        }
    }

    impl Service<Request<Body>> for Two {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Answering;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            answer("two")
        }
    }

    #[tokio::test]
    async fn a_call_reaches_the_service_that_its_path_names_and_no_other() {
        let mut routes = Routes::default().with(One { asked: false }).with(Two);
        for (path, from) in [
            ("/test.One/Method", Some("one")),
            ("/test.OneMore/Method", Some("two")),
            ("/test.OneMore/Method/more", Some("two")),
            ("/test.One", None),
            ("/test.one/Method", None),
            ("/test/Method", None),
            ("//test.One/Method", None),
            ("/other/test.One/Method", None),
            ("/", None),
        ] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = routes.call(request).await.unwrap();
            let named = response.headers().get("from");
            assert_eq!(named.map(|name| name.to_str().unwrap()), from, "{path}");
            if from.is_none() {
                let status = Status::from_header_map(response.headers()).unwrap();
                assert_eq!(status.code(), Code::Unimplemented, "{path}");
            }
        }
    }
}
