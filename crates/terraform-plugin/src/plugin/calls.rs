//! Two rules for calls of the provider: applies are not cut off, and a panic is an answer.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;

use super::lifetime::Lifetime;

/// The methods that change something, so that cutting one off could leave half a change.
const APPLIES: [&str; 2] = [
    "/tfplugin6.Provider/ApplyResourceChange",
    "/tfplugin6.Provider/InvokeAction",
];

/// The provider's service, with each apply in a task of its own.
///
/// hyper drops the future of a request whose client is gone (a killed Terraform, a cancelled call). That is
/// right for reads, and would cut an apply in half. The stream of `InvokeAction`, after its response began, is not
/// covered.
#[derive(Debug, Clone)]
pub(super) struct Calls<S> {
    provider: S,
    lifetime: Lifetime,
}

impl<S> Calls<S> {
    pub(super) fn new(provider: S, lifetime: Lifetime) -> Self {
        Self { provider, lifetime }
    }
}

impl<S: NamedService> NamedService for Calls<S> {
    const NAME: &'static str = S::NAME;
}

type Answer = Result<Response<Body>, Infallible>;

impl<S> Service<Request<Body>> for Calls<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.provider.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !APPLIES.contains(&request.uri().path()) {
            return Box::pin(answer(self.provider.call(request)));
        }
        let Some(in_flight) = self.lifetime.begin_apply() else {
            let status = Status::unavailable("the provider is ending and begins no new apply");
            return Box::pin(async move { Ok(status.into_http()) });
        };
        let answering = answer(self.provider.call(request));
        let apply = tokio::spawn(async move {
            let answer = answering.await;
            drop(in_flight);
            answer
        });
        // The task does not panic, so an error means that the runtime is gone and nobody waits.
        Box::pin(async move {
            apply
                .await
                .unwrap_or_else(|_| Ok(Status::cancelled("the provider has ended").into_http()))
        })
    }
}

/// The answer of a call, also when the provider panics: without one, Terraform reports a broken connection.
async fn answer(call: impl Future<Output = Answer> + Send) -> Answer {
    AssertUnwindSafe(call)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            let status =
                Status::internal("the provider panicked in this call, which is a bug in it");
            Ok(status.into_http())
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tonic::Code;

    use super::*;

    const APPLY: &str = "/tfplugin6.Provider/ApplyResourceChange";
    const READ: &str = "/tfplugin6.Provider/ReadResource";
    const LONG: Duration = Duration::from_secs(600);

    /// A provider that waits for a permit, and panics when the request asks for it.
    #[derive(Clone)]
    struct Slow {
        permits: Arc<Semaphore>,
        begun: Arc<AtomicUsize>,
        done: Arc<AtomicUsize>,
    }

    impl Slow {
        fn new(permits: usize) -> Self {
            Self {
                permits: Arc::new(Semaphore::new(permits)),
                begun: Arc::default(),
                done: Arc::default(),
            }
        }

        fn counts(&self) -> (usize, usize) {
            (
                self.begun.load(Ordering::SeqCst),
                self.done.load(Ordering::SeqCst),
            )
        }
    }

    impl Service<Request<Body>> for Slow {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            let provider = self.clone();
            Box::pin(async move {
                provider.begun.fetch_add(1, Ordering::SeqCst);
                provider.permits.acquire().await.unwrap().forget();
                assert!(!request.headers().contains_key("panic"));
                provider.done.fetch_add(1, Ordering::SeqCst);
                Ok(Response::new(Body::empty()))
            })
        }
    }

    fn request(path: &str) -> Request<Body> {
        Request::builder().uri(path).body(Body::empty()).unwrap()
    }

    fn code(response: &Response<Body>) -> Code {
        Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
    }

    /// Starts a call and drops it once the provider works on it.
    async fn abandon(provider: &Slow, service: &mut Calls<Slow>, path: &str) {
        let (begun, _) = provider.counts();
        let mut call = service.call(request(path));
        while provider.counts().0 == begun {
            let polled =
                std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()));
            assert!(!polled.await);
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_abandoned_apply_finishes_and_an_abandoned_read_does_not() {
        let provider = Slow::new(0);
        let lifetime = Lifetime::new();
        let mut service = Calls::new(provider.clone(), lifetime.clone());
        abandon(&provider, &mut service, READ).await;
        abandon(&provider, &mut service, APPLY).await;
        assert_eq!(provider.counts(), (2, 0));
        provider.permits.add_permits(2);
        assert!(lifetime.finish_applies(LONG).await);
        assert_eq!(provider.counts(), (2, 1));
    }

    #[tokio::test]
    async fn no_apply_begins_once_the_process_is_ending() {
        let provider = Slow::new(9);
        let lifetime = Lifetime::new();
        let mut service = Calls::new(provider.clone(), lifetime.clone());
        assert_eq!(code(&service.call(request(APPLY)).await.unwrap()), Code::Ok);
        assert!(lifetime.finish_applies(LONG).await);
        let refused = service.call(request(APPLY)).await.unwrap();
        assert_eq!(code(&refused), Code::Unavailable);
        assert_eq!(code(&service.call(request(READ)).await.unwrap()), Code::Ok);
        assert_eq!(provider.counts(), (2, 2));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let lifetime = Lifetime::new();
        let mut service = Calls::new(Slow::new(9), lifetime.clone());
        for path in [APPLY, READ] {
            let mut request = request(path);
            request.headers_mut().insert("panic", "1".parse().unwrap());
            let response = service.call(request).await.unwrap();
            assert_eq!(code(&response), Code::Internal);
        }
        assert!(lifetime.finish_applies(LONG).await);
    }
}
