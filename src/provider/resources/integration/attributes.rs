//! The attributes of an integration.

use crate::model::handle::HandleKind;
use crate::provider::arguments;
use terraform_plugin::schema::{Attribute, Schema, Violation};
use terraform_plugin::types::Type;

/// Most characters of `custom_access_details`.
const MAX_ACCESS_DETAILS: usize = 400;

pub(super) fn schema() -> Schema {
    Schema::new(
        "The mirror of one AWS organization (or of a hand-written list of accounts) as a tree of folders, one per \
         organizational unit, and connections, one per account.",
        vec![
            Attribute::string("id")
                .computed()
                .use_state_for_unknown()
                .description("`in_` and 20 characters; stays when the handle changes."),
            Attribute::string("handle")
                .required()
                .check_string(arguments::handle(HandleKind::Integration))
                .description("Name of the integration, unique in the tenant. Changes in place."),
            Attribute::string("organization")
                .optional()
                .requires_replace()
                .check_string(arguments::handle(HandleKind::Organization))
                .description(
                    "The organization (a group of workspaces, not the AWS organization) that the integration belongs to \
                     and can be shared in. Without it the integration is at tenant level.",
                ),
            aws_organization(),
            Attribute::string("aws_organization_id")
                .computed()
                .description("ID of the mirrored AWS organization, for good; null for hand-written accounts."),
            Attribute::string("handle_prefix")
                .optional()
                .check_string(prefix)
                .description(
                    "Put in front of every derived handle, such as `aws_`; at most 20 characters. A change of it changes \
                     all derived handles.",
                ),
            Attribute::map("initial_handles", Type::String)
                .optional()
                .check_keys(arguments::account_id)
                .check_string(arguments::handle(HandleKind::Connection))
                .description(
                    "Handles by account ID for accounts that are not mirrored yet, to carry them over from elsewhere. An \
                     account keeps its initial handle for as long as its name and the prefix stay the same; entries for \
                     accounts that are mirrored already have no effect.",
                ),
            connection_settings(),
            Attribute::set("permissions", Type::String)
                .default(Vec::<String>::new())
                .check_string(arguments::grantee)
                .description(
                    "Grantees who may use every connection, now and later: `*`, an organization such as `acme`, or one \
                     workspace such as `acme/security`. Default `[]`: nobody.",
                ),
            sso(),
            owners("owners", "The integration's owners."),
            Attribute::nested_list(
                "resource_owners",
                vec![
                    Attribute::string("tag_key")
                        .required()
                        .check_string(arguments::not_empty)
                        .description("Key of an account tag."),
                    Attribute::string("attribute")
                        .required()
                        .check_string(arguments::not_empty)
                        .description("Attribute that the tag's value is a value of, such as `user`."),
                ],
            )
            .optional()
            .description(
                "Account tags that name a connection's owners. Where an account has none of them, the integration's \
                 `owners`, which are required, are its owners. Needs `include_tags` in the data source.",
            ),
            Attribute::string("custom_access_details")
                .optional()
                .check_string(access_details)
                .description("What a person should know about access, at most 400 characters."),
            Attribute::nested(
                "removal_guard",
                vec![
                    Attribute::number("percent")
                        .default(25)
                        .at_least(0)
                        .description("Stops a plan that removes more than this part of the connections, in per cent."),
                    Attribute::number("count")
                        .default(20)
                        .at_least(0)
                        .description("Stops a plan that removes more connections than this."),
                ],
            )
            .optional()
            .computed()
            .description(
                "Stops a plan that would remove many connections, which is what a wide exclude or a wrong profile looks \
                 like. It applies from 8 connections up.",
            ),
            Attribute::bool("deletion_protection")
                .default(true)
                .description(
                    "Whether destroying the integration is refused. Destroying it also removes its folders, connections \
                     and permissions from the catalog. To destroy, apply `false` first.",
                ),
            folders(),
            connections(),
        ],
    )
}

fn prefix(value: &str) -> Result<(), Violation> {
    if value.is_empty() {
        return Ok(());
    }
    arguments::handle(HandleKind::Prefix)(value)
}

fn access_details(value: &str) -> Result<(), Violation> {
    let length = value.chars().count();
    if length <= MAX_ACCESS_DETAILS {
        return Ok(());
    }
    Err(Violation::new(
        format!("It has {length} characters; at most {MAX_ACCESS_DETAILS} are allowed."),
        "Shorten it, and link to the rest.",
    ))
}

fn aws_organization() -> Attribute {
    Attribute::nested(
        "aws_organization",
        vec![
            Attribute::string("id").optional().check_string(arguments::not_empty).description("ID of the AWS organization."),
            Attribute::string("root_id")
                .optional()
                .description("ID of the root; without it there is a root with the ID `root`."),
            Attribute::string("partition")
                .optional()
                .check_string(partition)
                .description("`aws`, `aws-us-gov` or `aws-cn`; default: that of `default_region`, else `aws`."),
            Attribute::nested_map(
                "organizational_units",
                vec![
                    Attribute::string("name").optional().description("Name of the OU; default: its ID."),
                    Attribute::string("parent_id")
                        .optional()
                        .description("ID of the root or of the OU above; null: the root."),
                ],
            )
            .optional()
            .description("OUs by ID."),
            Attribute::nested_map(
                "accounts",
                vec![
                    Attribute::string("name")
                        .required()
                        .description("Name of the account."),
                    Attribute::string("email")
                        .optional()
                        .description("E-mail address of the account's root user."),
                    Attribute::string("state")
                        .optional()
                        .check_string(arguments::account_state)
                        .description("State of the account; null: `ACTIVE`."),
                    Attribute::string("parent_id")
                        .optional()
                        .description("ID of the root or OU that holds the account; null: the root."),
                    Attribute::string("joined_at")
                        .optional()
                        .description("When it joined the AWS organization; decides who gets a handle first."),
                    Attribute::map("tags", Type::String).optional().description("The account's tags."),
                ],
            )
            .optional()
            .check_keys(arguments::account_id)
            .description("Accounts by ID."),
        ],
    )
    .optional()
    .write_only()
    .description(
        "What to mirror: `data.orgmirror_aws_organization`, the same value filtered or merged in HCL, or hand-written \
         accounts: `{ accounts = { \"111122223333\" = { name = \"sandbox\" } } }`. Write-only: the state holds the tree \
         that follows from it, in clear also where a name or tag comes from a sensitive value. Required to create; null \
         later keeps the tree as it is.",
    )
}

fn partition(value: &str) -> Result<(), Violation> {
    if matches!(value, "aws" | "aws-us-gov" | "aws-cn") {
        return Ok(());
    }
    Err(Violation::new(
        "It must be an AWS partition.",
        "Use \"aws\", \"aws-us-gov\" or \"aws-cn\".",
    ))
}

fn connection_settings() -> Attribute {
    Attribute::nested(
        "connection_settings",
        vec![
            Attribute::string("role_name")
                .required()
                .check_string(arguments::role_name)
                .description("Name of the IAM role that tools assume, the same in every account; with its path, if any."),
            Attribute::string("external_id")
                .optional()
                .check_string(arguments::external_id)
                .description("External ID that the roles' trust policies ask for; null: none."),
            Attribute::set("regions", Type::String)
                .default(["*"])
                .min_items(1)
                .check_string(arguments::region_or_glob)
                .description(
                    "Regions of the accounts' partition that tools look at; `*` is all, globs such as `us-*` are allowed.",
                ),
            Attribute::string("default_region")
                .optional()
                .computed()
                .check_string(arguments::region)
                .description(
                    "Region where a tool wants one. Default by partition: `us-east-1`, `us-gov-west-1`, `cn-north-1`.",
                ),
            Attribute::number("max_error_retry_attempts")
                .default(9)
                .at_least(1)
                .description("Total attempts of a call that fails in passing."),
            Attribute::number("min_error_retry_delay")
                .default(25)
                .at_least(1)
                .description("Least delay between attempts, in milliseconds."),
            Attribute::set("ignore_error_codes", Type::String)
                .default(Vec::<String>::new())
                .check_string(arguments::not_empty)
                .description("Error codes of AWS that tools ignore, in addition to their own not-found codes."),
        ],
    )
    .required()
    .description("Settings that every connection inherits.")
}

fn sso() -> Attribute {
    Attribute::nested(
        "sso",
        vec![
            Attribute::string("portal_url")
                .required()
                .check_string(arguments::portal_url)
                .description(
                    "The AWS access portal, such as `https://acme.awsapps.com/start`; in AWS GovCloud (US) \
                     `https://start.us-gov-home.awsapps.com/directory/acme`, in China \
                     `https://start.home.awsapps.cn/directory/acme`.",
                ),
            Attribute::string("region")
                .required()
                .check_string(arguments::region)
                .description("Region of the IAM Identity Center instance, in the accounts' partition."),
            Attribute::string("role_name")
                .optional()
                .check_string(arguments::not_empty)
                .description("Permission set that sign-in links open."),
        ],
    )
    .optional()
    .description("AWS IAM Identity Center, for a sign-in link per connection.")
}

fn owners(name: &str, description: &str) -> Attribute {
    Attribute::nested_list(
        name,
        vec![
            Attribute::string("attribute")
                .required()
                .check_string(arguments::not_empty)
                .description("Attribute of your directory, such as `okta_group` or `user`."),
            Attribute::set("values", Type::String)
                .required()
                .min_items(1)
                .check_string(arguments::not_empty)
                .description("Values of that attribute."),
        ],
    )
    .optional()
    .description(description)
}

fn folders() -> Attribute {
    Attribute::nested_map(
        "folders",
        vec![
            Attribute::string("name")
                .computed()
                .description("Name of the root or OU."),
            Attribute::string("derived_handle")
                .computed()
                .description("Handle that follows from the name."),
            Attribute::string("parent_id")
                .computed()
                .description("ID of the folder above; null for the root."),
            Attribute::string("path")
                .computed()
                .description("`/` for the root, `/Workloads/Prod` for an OU."),
        ],
    )
    .computed()
    .description("The folders by root or OU ID.")
}

fn connections() -> Attribute {
    Attribute::nested_map(
        "connections",
        vec![
            Attribute::string("name").computed().description("Name of the account."),
            Attribute::string("email").computed().description("E-mail address of the account's root user."),
            Attribute::string("state").computed().description(
                "State of the account. An account that is first seen in another state than `ACTIVE` has no connection; \
                 one that leaves `ACTIVE` keeps it.",
            ),
            Attribute::map("tags", Type::String)
                .computed()
                .description("The account's tags; null where they were not read."),
            Attribute::string("derived_handle").computed().description("Handle that follows from the name."),
            Attribute::string("folder_id").computed().description("ID of the folder that holds the account."),
            Attribute::string("path").computed().description("Path of that folder."),
            Attribute::string("derived_role_arn").computed().description("ARN of the role that tools assume."),
            Attribute::nested_set(
                "owners",
                vec![
                    Attribute::string("attribute").computed().description("Attribute of your directory."),
                    Attribute::set("values", Type::String).computed().description("Values of that attribute."),
                ],
            )
            .computed()
            .description("From the account's tags, else the integration's; null without `owners`."),
            Attribute::string("sign_in_url").computed().description(
                "Opens the account in the AWS access portal; null without `sso`.",
            ),
        ],
    )
    .computed()
    .description("The connections by account ID.")
}
