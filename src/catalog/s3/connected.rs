//! The client of a bucket, and what its calls tell of themselves.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// The client, and the endpoint of its calls.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) endpoint: Arc<SeenEndpoint>,
}

impl Connected {
    pub(super) fn region(&self) -> String {
        self.client
            .config()
            .region()
            .map_or_else(|| "none".to_owned(), ToString::to_string)
    }
}

/// Notes the endpoint of calls, so that an error can name it. Only the SDK knows which one environment and profile give.
#[derive(Debug, Default)]
pub(super) struct SeenEndpoint(Mutex<Option<String>>);

impl SeenEndpoint {
    pub(super) fn get(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_else(|| "the endpoint of S3".to_owned())
    }
}

#[derive(Debug)]
pub(super) struct NoteEndpoint(pub(super) Arc<SeenEndpoint>);

impl Intercept for NoteEndpoint {
    fn name(&self) -> &'static str {
        "NoteEndpoint"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let parts: Vec<&str> = context.request().uri().splitn(4, '/').take(3).collect();
        let mut seen = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some(parts.join("/"));
        Ok(())
    }
}
