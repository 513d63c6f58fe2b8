//! `steampipe`: the connections of Steampipe's AWS plugin, as its file `aws.spc`.
//!
//! The plugin's arguments are those of `awsConfig` in `aws/connection_config.go` of turbot/steampipe-plugin-aws, the
//! rules of names and aggregators those of turbot/steampipe. The plugin has no argument for a role to assume: each
//! connection names its profile, which does.

use hcl::format::{Format as _, Formatter};
use hcl::structure::{Block, BlockBuilder};

use super::aws_config::{NAME as AWS_CONFIG, with_profiles};
use super::{Format, OptionKind, OptionSpec, RenderError, Rendered, is_on};
use crate::model::objects::workspace::Options;
use crate::model::visibility::{EffectiveConnection, View};

/// The name of the format.
const NAME: &str = "steampipe";

/// The plugin, and the aggregator over all connections, which has the name of the plugin's default connection.
const AWS: &str = "aws";

/// Most names that a notice lists.
const LISTED: usize = 5;

/// The format.
#[derive(Debug)]
pub(super) struct Steampipe;

impl Format for Steampipe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn file(&self) -> &'static str {
        "aws.spc"
    }

    fn description(&self) -> &'static str {
        "Connections of Steampipe's AWS plugin, for `~/.steampipe/config/aws.spc`, in place of the file that the plugin \
         brings. Each uses the profile of its name, so `aws_config` is published as well, and Steampipe needs \
         `AWS_CONFIG_FILE`. Without `aggregators` there is no connection `aws` any more: a table without a schema is \
         then the one of the first connection by the alphabet."
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[OptionSpec {
            name: "aggregators",
            kind: OptionKind::Switch,
            description: "Whether there are aggregators too, which query several connections at once: one named by its \
                          handle for each folder with published connections, itself or below it, and `aws` over all. \
                          Steampipe looks for a table without a schema in connections by the alphabet: a handle that \
                          comes before `aws` hides it, with a warning.",
        }]
    }

    fn needs(&self) -> Option<&'static str> {
        Some(AWS_CONFIG)
    }

    fn render(&self, view: &View<'_>, options: &Options) -> Result<Rendered, RenderError> {
        let connections = with_profiles(view).map_err(|source| RenderError::Options {
            format: AWS_CONFIG,
            source,
        })?;
        let names: Vec<&str> = connections.iter().map(|c| c.handle).collect();
        let mut blocks = Vec::new();
        let mut notices = Vec::new();
        if is_on(options, "aggregators") {
            let folders = view.folders.iter().map(|folder| {
                let mut members = folder.connections.clone();
                members.retain(|handle| names.binary_search(handle).is_ok());
                (folder.handle, members)
            });
            let mut aggregators: Vec<(&str, Vec<&str>)> = folders.collect();
            aggregators.insert(0, (AWS, names.clone()));
            aggregators.retain(|(_, members)| !members.is_empty());
            let all = aggregators.iter().map(|(name, _)| *name).chain(names);
            notices.extend(before_aws(all));
            blocks.extend(aggregators.iter().map(|(name, of)| aggregator(name, of)));
        }
        blocks.extend(connections.iter().map(|c| connection(c)));
        let mut bytes = Vec::new();
        for block in &blocks {
            if !bytes.is_empty() {
                bytes.push(b'\n');
            }
            // A line for each connection of an aggregator, so that people see in a diff who comes and goes.
            let is_compact = block.body.attributes().all(|a| a.key() != "type");
            let mut formatter = Formatter::builder()
                .compact_arrays(is_compact)
                .build(&mut bytes);
            block
                .format(&mut formatter)
                .map_err(|error| RenderError::Format {
                    format: NAME,
                    reason: error.to_string(),
                })?;
        }
        Ok(Rendered { bytes, notices })
    }
}

fn aggregator(name: &str, members: &[&str]) -> Block {
    block(name)
        .add_attribute(("type", "aggregator"))
        .add_attribute(("connections", strings(members.iter().copied())))
        .build()
}

fn connection(connection: &EffectiveConnection<'_>) -> Block {
    let mut block = block(connection.handle).add_attribute(("profile", connection.handle));
    // The plugin ends on an empty list; without one it reads the default region.
    if !connection.settings.regions.is_empty() {
        let regions = connection.settings.regions.iter().map(String::as_str);
        block = block.add_attribute(("regions", strings(regions)));
    }
    block = block
        .add_attribute((
            "default_region",
            connection.settings.default_region.as_str(),
        ))
        .add_attribute((
            "max_error_retry_attempts",
            connection.settings.max_error_retry_attempts,
        ))
        .add_attribute((
            "min_error_retry_delay",
            connection.settings.min_error_retry_delay,
        ));
    if !connection.settings.ignore_error_codes.is_empty() {
        let codes = connection
            .settings
            .ignore_error_codes
            .iter()
            .map(String::as_str);
        block = block.add_attribute(("ignore_error_codes", strings(codes)));
    }
    block.build()
}

fn block(name: &str) -> BlockBuilder {
    Block::builder("connection")
        .add_label(name)
        .add_attribute(("plugin", AWS))
}

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> hcl::Expression {
    hcl::Expression::Array(items.map(hcl::Expression::from).collect())
}

/// Warns of names that hide the aggregator over all connections in Steampipe's search path.
fn before_aws<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut before: Vec<&str> = names.filter(|name| *name < AWS).collect();
    before.sort_unstable();
    let shown = before.get(..LISTED).unwrap_or(&before).join(", ");
    let more = before.len().saturating_sub(LISTED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!before.is_empty()).then(|| {
        format!(
            "In the alphabet, aws comes after {shown}{more}, so Steampipe takes tables without a schema from the first \
             of them instead of from all connections. Write aws.aws_account instead of aws_account, set \
             search_path_prefix to \"aws\" in Steampipe's options, or give the integration a handle_prefix."
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::model::objects::Integration;
    use crate::publish::sample;

    fn rendered(
        integrations: &[Integration],
        aws_config: &[(&str, &str)],
        steampipe: &[(&str, &str)],
    ) -> (String, Vec<String>) {
        let options = sample::options(steampipe);
        let workspace = sample::workspace(&[
            (NAME, options.clone()),
            (AWS_CONFIG, sample::options(aws_config)),
        ]);
        sample::with_view(integrations, &workspace, |view| {
            Steampipe.check(&options).unwrap();
            let rendered = Steampipe.render(view, &options).unwrap();
            assert_eq!(rendered, Steampipe.render(view, &options).unwrap());
            (String::from_utf8(rendered.bytes).unwrap(), rendered.notices)
        })
    }

    fn connection_block(handle: &str) -> String {
        format!(
            r#"connection "{handle}" {{
  plugin = "aws"
  profile = "{handle}"
  regions = ["*"]
  default_region = "us-east-1"
  max_error_retry_attempts = 9
  min_error_retry_delay = 25
}}
"#
        )
    }

    #[test]
    fn a_connection_uses_the_profile_of_its_name() {
        let (file, notices) = rendered(&[sample::acme()], &[], &[]);
        let expected = ["audit_x", "hub", "shop"].map(connection_block).join("\n");
        assert_eq!(file, expected);
        assert_eq!(notices, [""; 0]);
        assert_eq!(
            rendered(&[], &[], &[("aggregators", "true")]),
            (String::new(), Vec::new())
        );
    }

    #[test]
    fn settings_are_the_effective_ones() {
        let mut integration = sample::integration("acme", &[], &[("111111111111", "One", None)]);
        let settings = &mut integration.connection_settings;
        settings.regions = ["us-*".to_owned(), "eu-west-1".to_owned()].into();
        settings.default_region = "eu-west-1".to_owned();
        settings.max_error_retry_attempts = 1;
        settings.min_error_retry_delay = 1000;
        settings.ignore_error_codes = ["${a} \"b\"".to_owned(), "AccessDenied*".to_owned()].into();
        let (file, _) = rendered(&[integration], &[], &[]);
        assert_eq!(
            file,
            r#"connection "one" {
  plugin = "aws"
  profile = "one"
  regions = ["eu-west-1", "us-*"]
  default_region = "eu-west-1"
  max_error_retry_attempts = 1
  min_error_retry_delay = 1000
  ignore_error_codes = ["$${a} \"b\"", "AccessDenied*"]
}
"#
        );
    }

    #[test]
    fn aggregators_list_what_is_published_below_each_folder() {
        let (file, notices) = rendered(&[sample::acme()], &[], &[("aggregators", "true")]);
        let aggregator = |name: &str, members: &[&str]| {
            let members: Vec<String> = members.iter().map(|m| format!("    \"{m}\"")).collect();
            format!(
                "connection \"{name}\" {{\n  plugin = \"aws\"\n  type = \"aggregator\"\n  connections = [\n{}\n  ]\n}}\n",
                members.join(",\n")
            )
        };
        let expected = [
            aggregator("aws", &["audit_x", "hub", "shop"]),
            aggregator("acme", &["audit_x", "hub", "shop"]),
            aggregator("prod", &["shop"]),
            aggregator("workloads", &["audit_x", "shop"]),
            connection_block("audit_x"),
            connection_block("hub"),
            connection_block("shop"),
        ];
        assert_eq!(file, expected.join("\n"));
        assert_eq!(
            notices,
            [
                "In the alphabet, aws comes after acme, audit_x, so Steampipe takes tables without a schema from the first \
                 of them instead of from all connections. Write aws.aws_account instead of aws_account, set \
                 search_path_prefix to \"aws\" in Steampipe's options, or give the integration a handle_prefix."
            ]
        );
    }

    #[test]
    fn what_has_no_profile_has_no_connection_and_is_in_no_aggregator() {
        let (file, _) = rendered(
            &[sample::acme()],
            &[("source_profile", "shop")],
            &[("aggregators", "true")],
        );
        assert!(
            !file.contains("shop") && !file.contains("\"prod\""),
            "{file}"
        );
        assert!(file.contains("\"workloads\""), "{file}");
    }

    #[test]
    fn a_notice_lists_a_few() {
        assert_eq!(before_aws(["aws_a", "b", "aws"].into_iter()), None);
        let many = ["ag", "af", "ae", "ad", "ac", "ab", "aa", "z"];
        let notice = before_aws(many.into_iter()).unwrap();
        assert!(
            notice.starts_with("In the alphabet, aws comes after aa, ab, ac, ad, ae and 2 more,"),
            "{notice}"
        );
    }

    #[test]
    fn options_of_the_profiles_that_are_refused_are_no_connections() {
        let options = sample::options(&[]);
        let workspace =
            sample::workspace(&[(AWS_CONFIG, sample::options(&[("region", "nowhere")]))]);
        let error = sample::with_view(&[sample::acme()], &workspace, |view| {
            Steampipe.render(view, &options).unwrap_err()
        });
        assert!(
            matches!(
                error,
                RenderError::Options {
                    format: "aws_config",
                    ..
                }
            ),
            "{error}"
        );
    }
}
