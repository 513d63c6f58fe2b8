//! Applies run in tasks of their own, and the process knows of them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;
use tracing::error;

use super::lifetime::Lifetime;

/// The methods that change something, so that cutting one off could leave half a change.
const APPLIES: [&str; 2] = [
    "/tfplugin6.Provider/ApplyResourceChange",
    "/tfplugin6.Provider/InvokeAction",
];

/// The provider's service, with each apply in a task of its own.
///
/// hyper drops the future of a request whose client is gone (a killed Terraform, a cancelled call). That is
/// right for reads, and would cut an apply in half. What `InvokeAction` streams after its response began is not
/// covered here.
#[derive(Debug, Clone)]
pub(super) struct Applies<S> {
    provider: S,
    lifetime: Lifetime,
}

impl<S> Applies<S> {
    pub(super) fn new(provider: S, lifetime: Lifetime) -> Self {
        Self { provider, lifetime }
    }
}

impl<S: NamedService> NamedService for Applies<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Applies<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.provider.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !APPLIES.contains(&request.uri().path()) {
            return Box::pin(self.provider.call(request));
        }
        let Some(in_flight) = self.lifetime.begin_apply() else {
            let status = Status::unavailable("the provider is ending and begins no new apply");
            return Box::pin(async move { Ok(status.into_http()) });
        };
        let response = self.provider.call(request);
        let apply = tokio::spawn(async move {
            let response = response.await;
            drop(in_flight);
            response
        });
        Box::pin(async move {
            match apply.await {
                Ok(response) => response,
                Err(join) => {
                    error!(
                        panicked = join.is_panic(),
                        "an apply ended without an answer"
                    );
                    Ok(Status::internal("the provider failed in this apply").into_http())
                }
            }
        })
    }
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
    async fn abandon(provider: &Slow, service: &mut Applies<Slow>, path: &str) {
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
        let mut service = Applies::new(provider.clone(), lifetime.clone());
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
        let mut service = Applies::new(provider.clone(), lifetime.clone());
        assert_eq!(code(&service.call(request(APPLY)).await.unwrap()), Code::Ok);
        assert!(lifetime.finish_applies(LONG).await);
        let refused = service.call(request(APPLY)).await.unwrap();
        assert_eq!(code(&refused), Code::Unavailable);
        assert_eq!(code(&service.call(request(READ)).await.unwrap()), Code::Ok);
        assert_eq!(provider.counts(), (2, 2));
    }

    #[tokio::test]
    async fn a_panic_in_an_apply_is_an_answer() {
        let lifetime = Lifetime::new();
        let mut service = Applies::new(Slow::new(9), lifetime.clone());
        let mut request = request(APPLY);
        request.headers_mut().insert("panic", "1".parse().unwrap());
        let response = service.call(request).await.unwrap();
        assert_eq!(code(&response), Code::Internal);
        assert!(lifetime.finish_applies(LONG).await);
    }
}
