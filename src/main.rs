//! Started by Terraform: serve. Started by hand: say what this is and how to use it.

use std::io::{self, Write};
use std::process::ExitCode;

use orgmirror::plugin::{self, About};

const ABOUT: About = About {
    name: "terraform-provider-orgmirror",
    version: env!("CARGO_PKG_VERSION"),
};

fn main() -> ExitCode {
    let argument = std::env::args_os().nth(1);
    match argument.as_deref().and_then(|argument| argument.to_str()) {
        Some("--version" | "-V" | "version") => tell(
            &mut io::stdout(),
            &format!("{} {}\n", ABOUT.name, ABOUT.version),
        ),
        Some("--help" | "-h" | "help") => tell(&mut io::stdout(), &introduction()),
        _ if plugin::is_started_by_terraform() => plugin::serve(schema_only::SchemaOnly, ABOUT),
        _ => {
            tell(&mut io::stderr(), &introduction());
            ExitCode::FAILURE
        }
    }
}

/// Writes for a person; success even when nobody reads it.
fn tell(output: &mut impl Write, text: &str) -> ExitCode {
    let _ = output.write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// What this program is, and how to install and use it.
fn introduction() -> String {
    let directory = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.parent()?.display().to_string()))
        .unwrap_or_else(|| "/path/to/the/directory/of/this/file".to_owned());
    let (name, version) = (ABOUT.name, ABOUT.version);
    format!(
        r#"{name} {version}

A provider for Terraform and OpenTofu, 1.11 and later. It mirrors an AWS organization as a tree
of folders (one per organizational unit) and connections (one per account), says which workspaces
may use them, and publishes configuration files for multi-account tools.

It is a plugin: Terraform starts it. To use the copy in this place, tell Terraform where it is, in
~/.terraformrc (OpenTofu: ~/.tofurc):

    provider_installation {{
      dev_overrides {{
        "orgmirror/orgmirror" = "{directory}"
      }}
      direct {{}}
    }}

and ask for it in a configuration:

    terraform {{
      required_providers {{
        orgmirror = {{
          source = "orgmirror/orgmirror"
        }}
      }}
    }}

    provider "orgmirror" {{}}

    data "orgmirror_aws_organization" "this" {{}}

Then run `terraform plan`; with dev_overrides, `terraform init` is not needed for this provider.

Options:
    --help       show this text
    --version    show the version
"#
    )
}

/// A provider that offers nothing yet, so that the process around it can be run by the real Terraform.
mod schema_only {
    use orgmirror::proto::tfplugin6::provider_server::Provider;
    use orgmirror::proto::tfplugin6::*;
    use tonic::{Request, Response, Status, Streaming, async_trait};

    #[derive(Debug)]
    pub(super) struct SchemaOnly;

    type NoStream<T> = tokio_stream::Empty<Result<T, Status>>;

    macro_rules! provider {
        ($($rpc:ident: $message:ident,)*) => {
            #[async_trait]
            impl Provider for SchemaOnly {
                type ListResourceStream = NoStream<list_resource::Event>;
                type InvokeActionStream = NoStream<invoke_action::Event>;
                type ReadStateBytesStream = NoStream<read_state_bytes::ResponseChunk>;

                async fn get_provider_schema(
                    &self,
                    _: Request<get_provider_schema::Request>,
                ) -> Result<Response<get_provider_schema::Response>, Status> {
                    Ok(Response::new(get_provider_schema::Response {
                        provider: Some(Schema {
                            block: Some(schema::Block::default()),
                            ..Schema::default()
                        }),
                        ..get_provider_schema::Response::default()
                    }))
                }

                async fn stop_provider(
                    &self,
                    _: Request<stop_provider::Request>,
                ) -> Result<Response<stop_provider::Response>, Status> {
                    Ok(Response::new(stop_provider::Response::default()))
                }

                async fn list_resource(
                    &self,
                    _: Request<list_resource::Request>,
                ) -> Result<Response<Self::ListResourceStream>, Status> {
                    Err(unsupported("list_resource"))
                }

                async fn invoke_action(
                    &self,
                    _: Request<invoke_action::Request>,
                ) -> Result<Response<Self::InvokeActionStream>, Status> {
                    Err(unsupported("invoke_action"))
                }

                async fn read_state_bytes(
                    &self,
                    _: Request<read_state_bytes::Request>,
                ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
                    Err(unsupported("read_state_bytes"))
                }

                async fn write_state_bytes(
                    &self,
                    _: Request<Streaming<write_state_bytes::RequestChunk>>,
                ) -> Result<Response<write_state_bytes::Response>, Status> {
                    Err(unsupported("write_state_bytes"))
                }

                $(async fn $rpc(
                    &self,
                    _: Request<$message::Request>,
                ) -> Result<Response<$message::Response>, Status> {
                    Err(unsupported(stringify!($rpc)))
                })*
            }
        };
    }

    provider! {
        get_metadata: get_metadata,
        get_resource_identity_schemas: get_resource_identity_schemas,
        validate_provider_config: validate_provider_config,
        validate_resource_config: validate_resource_config,
        validate_data_resource_config: validate_data_resource_config,
        upgrade_resource_state: upgrade_resource_state,
        upgrade_resource_identity: upgrade_resource_identity,
        configure_provider: configure_provider,
        read_resource: read_resource,
        plan_resource_change: plan_resource_change,
        apply_resource_change: apply_resource_change,
        import_resource_state: import_resource_state,
        move_resource_state: move_resource_state,
        read_data_source: read_data_source,
        generate_resource_config: generate_resource_config,
        validate_ephemeral_resource_config: validate_ephemeral_resource_config,
        open_ephemeral_resource: open_ephemeral_resource,
        renew_ephemeral_resource: renew_ephemeral_resource,
        close_ephemeral_resource: close_ephemeral_resource,
        validate_list_resource_config: validate_list_resource_config,
        get_functions: get_functions,
        call_function: call_function,
        validate_action_config: validate_action_config,
        plan_action: plan_action,
        validate_state_store_config: validate_state_store_config,
        configure_state_store: configure_state_store,
        lock_state: lock_state,
        unlock_state: unlock_state,
        get_states: get_states,
        delete_state: delete_state,
    }

    fn unsupported(rpc: &str) -> Status {
        Status::unimplemented(format!("{rpc} is not offered"))
    }
}
