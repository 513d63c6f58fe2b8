//! Templates of CloudFormation: the role in one account, and in all accounts of an AWS organization.
//!
//! Types and properties are those of the CloudFormation Template Reference. A StackSet with service-managed permissions
//! reaches the accounts below its OUs, later ones too, but never the management account ("Create CloudFormation
//! StackSets with service-managed permissions", CloudFormation User Guide): the stack that makes the StackSet makes that
//! account's role itself.

use super::node::{Node, list, map};
use super::{CONNECTION_POLICY, DISCOVERY_POLICY, Onboarding, WriteError};

/// Parameters, and the conditions that follow from them.
const DISCOVERY_ACCOUNT: &str = "DiscoveryAccountId";
const UNITS: &str = "OrganizationalUnitIds";
const CALL_AS: &str = "CallAs";
const MANAGEMENT_ROLE: &str = "ManagementAccountRole";
const READS_ORGANIZATION: &str = "ReadsOrganization";
const HAS_DISCOVERY_ACCOUNT: &str = "HasDiscoveryAccount";
const MAKES_ROLE: &str = "MakesManagementAccountRole";

/// Logical IDs of resources.
const ROLE: &str = "Role";
const STACK_SET: &str = "StackSet";

/// IAM names of the role have to be acknowledged.
const CAPABILITY: &str = "CAPABILITY_NAMED_IAM";

impl Onboarding {
    /// The template of one account, as YAML.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn cloudformation_account(&self) -> Result<String, WriteError> {
        let (_, name) = self.path_and_name();
        let about = format!(
            "The IAM role {name}, by which this account is read and used. Creating the stack needs {CAPABILITY}."
        );
        let discovery = self.discovery_account("the role may not read it");
        let template = template(
            &about,
            vec![(DISCOVERY_ACCOUNT, discovery)],
            vec![(
                READS_ORGANIZATION,
                equals(reference("AWS::AccountId"), reference(DISCOVERY_ACCOUNT)),
            )],
            self.role(None),
            vec![("RoleArn", role_arn_output(None))],
        );
        template.to_yaml("the template of one account")
    }

    /// The template of an AWS organization, as YAML; none where the partition has no StackSets that get their permissions
    /// from AWS Organizations.
    ///
    /// # Errors
    /// Never, unless this room is wrong.
    pub fn cloudformation_stackset(&self) -> Result<Option<String>, WriteError> {
        if !self.has_service_managed_stack_sets() {
            return Ok(None);
        }
        let (_, name) = self.path_and_name();
        let about = format!(
            "The IAM role {name} in all accounts of an AWS organization. A StackSet makes it in the accounts below the OUs given, \
             also in those that join later. StackSets never reach the management account: this stack makes the role there \
             itself. Create it in the management account, or with {CALL_AS}=DELEGATED_ADMIN in a delegated administrator of \
             StackSets; the management account then needs the template of one account. Trusted access of StackSets must be \
             activated. Creating the stack needs {CAPABILITY}."
        );
        let discovery = self.discovery_account("the account of this stack");
        let units = map([
            ("Type", "CommaDelimitedList"),
            (
                "AllowedPattern",
                "^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$",
            ),
            (
                "Description",
                "IDs of the OUs whose accounts get the role, with all that is below them; the ID of the root (r-...) means the \
                 whole AWS organization.",
            ),
        ]);
        let call_as = choice(
            ["SELF", "DELEGATED_ADMIN"],
            "SELF in the management account, DELEGATED_ADMIN in a delegated administrator.",
        );
        let management_role = choice(
            ["true", "false"],
            "Whether this stack makes the role in the management account, where the StackSet cannot.",
        );
        let reads_by_default = not(condition(HAS_DISCOVERY_ACCOUNT));
        let reads_by_name = equals(reference("AWS::AccountId"), reference(DISCOVERY_ACCOUNT));
        let makes_role = list([
            equals(reference(CALL_AS), "SELF".into()),
            equals(reference(MANAGEMENT_ROLE), "true".into()),
        ]);
        let reads = list([
            condition(MAKES_ROLE),
            map([("Fn::Or", list([reads_by_default, reads_by_name]))]),
        ]);
        let mut resources = vec![(STACK_SET, self.stack_set()?)];
        resources.extend(self.role(Some(MAKES_ROLE)));
        let template = template(
            &about,
            vec![
                (UNITS, units),
                (CALL_AS, call_as),
                (DISCOVERY_ACCOUNT, discovery),
                (MANAGEMENT_ROLE, management_role),
            ],
            vec![
                (
                    HAS_DISCOVERY_ACCOUNT,
                    not(equals(reference(DISCOVERY_ACCOUNT), "".into())),
                ),
                (MAKES_ROLE, map([("Fn::And", makes_role)])),
                (READS_ORGANIZATION, map([("Fn::And", reads)])),
            ],
            resources,
            vec![
                (
                    "StackSetId",
                    map([
                        ("Description", "The StackSet of the member accounts.".into()),
                        ("Value", reference(STACK_SET)),
                    ]),
                ),
                ("RoleArn", role_arn_output(Some(MAKES_ROLE))),
            ],
        );
        template
            .to_yaml("the template of an AWS organization")
            .map(Some)
    }

    /// The parameter, and what it means where it is empty.
    fn discovery_account(&self, empty: &str) -> Node {
        let default = self.delegated_administrator_id.as_deref();
        let description = format!(
            "ID of the account through whose role the AWS organization is read: the management account, or a delegated \
             administrator. Empty: {empty}."
        );
        map([
            ("Type", "String"),
            ("Default", default.unwrap_or_default()),
            ("AllowedPattern", "^([0-9]{12})?$"),
            ("Description", description.as_str()),
        ])
    }

    /// The role and its own policies, under this condition only.
    fn role(&self, condition: Option<&'static str>) -> Vec<(&'static str, Node)> {
        let (path, name) = self.path_and_name();
        let policies = self.permissions_policies.iter();
        let mut properties = vec![
            ("RoleName", name.into()),
            ("Path", path.into()),
            ("Description", self.role_description().into()),
            ("AssumeRolePolicyDocument", self.trust_policy()),
        ];
        if !self.permissions_policies.is_empty() {
            let arns = policies.map(|policy| policy.arn.as_str());
            properties.push(("ManagedPolicyArns", list(arns)));
        }
        let mut resources = vec![(
            ROLE,
            resource("AWS::IAM::Role", condition, Node::Map(properties)),
        )];
        if let Some(document) = self.connection_policy() {
            let policy = policy(CONNECTION_POLICY, document, condition);
            resources.push(("ConnectionPolicy", policy));
        }
        let document = self.discovery_policy();
        let policy = policy(DISCOVERY_POLICY, document, Some(READS_ORGANIZATION));
        resources.push(("DiscoveryPolicy", policy));
        resources
    }

    fn stack_set(&self) -> Result<Node, WriteError> {
        let discovery_account = map([(
            "Fn::If",
            list([
                HAS_DISCOVERY_ACCOUNT.into(),
                reference(DISCOVERY_ACCOUNT),
                reference("AWS::AccountId"),
            ]),
        )]);
        let parameter = map([
            ("ParameterKey", DISCOVERY_ACCOUNT.into()),
            ("ParameterValue", discovery_account),
        ]);
        let targets = map([("OrganizationalUnitIds", reference(UNITS))]);
        let instances = map([
            ("DeploymentTargets", targets),
            // IAM is global: once in each account.
            ("Regions", list([reference("AWS::Region")])),
        ]);
        let properties = map([
            ("StackSetName", reference("AWS::StackName")),
            ("Description", self.role_description().into()),
            ("PermissionModel", "SERVICE_MANAGED".into()),
            ("CallAs", reference(CALL_AS)),
            (
                "AutoDeployment",
                map([("Enabled", true), ("RetainStacksOnAccountRemoval", false)]),
            ),
            ("ManagedExecution", map([("Active", true)])),
            // An account that refuses, for example a suspended one, does not delay the others.
            (
                "OperationPreferences",
                map([
                    ("FailureTolerancePercentage", Node::Number(100)),
                    ("MaxConcurrentPercentage", Node::Number(100)),
                ]),
            ),
            ("Capabilities", list([CAPABILITY])),
            ("Parameters", list([parameter])),
            ("StackInstancesGroup", list([instances])),
            ("TemplateBody", Node::Lines(self.cloudformation_account()?)),
        ]);
        Ok(resource("AWS::CloudFormation::StackSet", None, properties))
    }
}

/// A parameter whose default is the first of two values.
fn choice(values: [&'static str; 2], description: &str) -> Node {
    map([
        ("Type", "String".into()),
        ("Default", values[0].into()),
        ("AllowedValues", list(values)),
        ("Description", description.into()),
    ])
}

fn template(
    about: &str,
    parameters: Vec<(&'static str, Node)>,
    conditions: Vec<(&'static str, Node)>,
    resources: Vec<(&'static str, Node)>,
    outputs: Vec<(&'static str, Node)>,
) -> Node {
    map([
        ("AWSTemplateFormatVersion", "2010-09-09".into()),
        ("Description", about.into()),
        ("Parameters", Node::Map(parameters)),
        ("Conditions", Node::Map(conditions)),
        ("Resources", Node::Map(resources)),
        ("Outputs", Node::Map(outputs)),
    ])
}

fn resource(kind: &str, condition: Option<&str>, properties: Node) -> Node {
    let mut resource = vec![("Type", kind.into())];
    resource.extend(condition.map(|condition| ("Condition", condition.into())));
    resource.push(("Properties", properties));
    Node::Map(resource)
}

/// A policy of the role's own.
fn policy(name: &str, document: Node, condition: Option<&str>) -> Node {
    let properties = map([
        ("PolicyName", name.into()),
        ("PolicyDocument", document),
        ("Roles", list([reference(ROLE)])),
    ]);
    resource("AWS::IAM::Policy", condition, properties)
}

fn role_arn_output(condition: Option<&str>) -> Node {
    let mut output = vec![
        ("Description", "ARN of the role in this account.".into()),
        ("Value", map([("Fn::GetAtt", list([ROLE, "Arn"]))])),
    ];
    output.extend(condition.map(|condition| ("Condition", condition.into())));
    Node::Map(output)
}

fn reference(name: &str) -> Node {
    map([("Ref", name)])
}

fn condition(name: &str) -> Node {
    map([("Condition", name)])
}

fn equals(one: Node, other: Node) -> Node {
    map([("Fn::Equals", list([one, other]))])
}

fn not(condition: Node) -> Node {
    map([("Fn::Not", list([condition]))])
}
