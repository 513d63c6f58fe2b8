//! Answers to requests for what no provider of this crate offers: functions, ephemeral resources, list resources,
//! actions, state stores and generated configuration.
//!
//! Terraform does not ask for them, because the metadata name none.

use std::pin::Pin;

use futures_util::{Stream, stream};
use tonic::{Request, Response, Status, Streaming};

use crate::proto::tfplugin6 as wire;

use super::reports::{to_wire, unknown_type, unsupported};

/// A stream of messages that answers one request.
pub(super) type EventStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A request for something that is not offered.
pub(super) trait Unsupported {
    /// The message that answers the request; of a stream, the first and only one.
    type Answer;

    /// Makes the answer that says that it is not offered.
    fn refuse(self) -> Self::Answer;
}

/// Answers a request for something that is not offered.
pub(super) fn refuse<R: Unsupported>(request: Request<R>) -> Result<Response<R::Answer>, Status> {
    Ok(Response::new(request.into_inner().refuse()))
}

/// Answers a request for something that is not offered, where the protocol wants a stream.
pub(super) fn refuse_stream<R: Unsupported>(
    request: Request<R>,
) -> Result<Response<EventStream<R::Answer>>, Status>
where
    R::Answer: Send + 'static,
{
    let only = Ok(request.into_inner().refuse());
    Ok(Response::new(Box::pin(stream::iter([only]))))
}

/// Implements [`Unsupported`] for each RPC: the field of its request that names a type, the field of its answer that
/// holds the diagnostics, and the kind of the type.
macro_rules! unsupported {
    ($($rpc:ident: $request:ident.$name:ident => $answer:ident.$diagnostics:ident, $kind:literal;)*) => {$(
        impl Unsupported for wire::$rpc::$request {
            type Answer = wire::$rpc::$answer;

            #[allow(clippy::needless_update)] // Some answers hold nothing but diagnostics.
            fn refuse(self) -> Self::Answer {
                wire::$rpc::$answer {
                    $diagnostics: to_wire(unknown_type($kind, &self.$name)),
                    ..Default::default()
                }
            }
        }
    )*};
}

unsupported! {
    validate_ephemeral_resource_config: Request.type_name => Response.diagnostics, "ephemeral resource";
    open_ephemeral_resource: Request.type_name => Response.diagnostics, "ephemeral resource";
    renew_ephemeral_resource: Request.type_name => Response.diagnostics, "ephemeral resource";
    close_ephemeral_resource: Request.type_name => Response.diagnostics, "ephemeral resource";
    list_resource: Request.type_name => Event.diagnostic, "list resource";
    validate_list_resource_config: Request.type_name => Response.diagnostics, "list resource";
    plan_action: Request.action_type => Response.diagnostics, "action";
    validate_action_config: Request.action_type => Response.diagnostics, "action";
    validate_state_store_config: Request.type_name => Response.diagnostics, "state store";
    configure_state_store: Request.type_name => Response.diagnostics, "state store";
    read_state_bytes: Request.type_name => ResponseChunk.diagnostics, "state store";
    lock_state: Request.type_name => Response.diagnostics, "state store";
    unlock_state: Request.type_name => Response.diagnostics, "state store";
    get_states: Request.type_name => Response.diagnostics, "state store";
    delete_state: Request.type_name => Response.diagnostics, "state store";
}

impl Unsupported for wire::invoke_action::Request {
    type Answer = wire::invoke_action::Event;

    fn refuse(self) -> Self::Answer {
        use wire::invoke_action::event::{Completed, Type};
        wire::invoke_action::Event {
            r#type: Some(Type::Completed(Completed {
                diagnostics: to_wire(unknown_type("action", &self.action_type)),
            })),
        }
    }
}

impl Unsupported for Streaming<wire::write_state_bytes::RequestChunk> {
    type Answer = wire::write_state_bytes::Response;

    /// The chunks, the first of which names the state store, are not read.
    fn refuse(self) -> Self::Answer {
        wire::write_state_bytes::Response {
            diagnostics: to_wire(unsupported("state store")),
        }
    }
}

impl Unsupported for wire::generate_resource_config::Request {
    type Answer = wire::generate_resource_config::Response;

    fn refuse(self) -> Self::Answer {
        wire::generate_resource_config::Response {
            diagnostics: to_wire(unsupported("generated configuration")),
            ..Default::default()
        }
    }
}

impl Unsupported for wire::call_function::Request {
    type Answer = wire::call_function::Response;

    fn refuse(self) -> Self::Answer {
        wire::call_function::Response {
            result: None,
            error: Some(wire::FunctionError {
                text: format!(
                    "This version of the provider has no function {:?}.",
                    self.name
                ),
                function_argument: None,
            }),
        }
    }
}
