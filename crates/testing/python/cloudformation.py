#!/usr/bin/env python3
"""Creates a stack from a template on moto, as CloudFormation would, and tells which roles there are then.

    cloudformation.py TEMPLATE ROLE_NAME PARAMETERS ACCOUNT...

PARAMETERS is an object of JSON. AWS_ENDPOINT_URL, AWS_DEFAULT_REGION and the keys in the environment say where, and as
which account. moto skips resources of the type AWS::CloudFormation::StackSet: this makes them by the API, from the
properties that the template has. One line of JSON:

    outputs   those of the stack
    roles     for each ACCOUNT null, or what its role of that name has: trust, path and inline policies (moto has none of
              the managed policies of AWS to attach)
"""

import json
import sys

import boto3
import yaml
from botocore.exceptions import ClientError


class Resolver:
    """What references and conditions of a template mean in a stack."""

    def __init__(self, template, values):
        self.conditions = template.get("Conditions", {})
        self.values = values

    def is_true(self, condition):
        ((kind, inner),) = condition.items()
        if kind == "Condition":
            return self.is_true(self.conditions[inner])
        if kind == "Fn::Equals":
            one, other = (self.resolved(item) for item in inner)
            return one == other
        if kind == "Fn::Not":
            return not self.is_true(inner[0])
        return {"Fn::And": all, "Fn::Or": any}[kind](self.is_true(item) for item in inner)

    def resolved(self, node):
        if isinstance(node, list):
            return [self.resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if list(node) == ["Ref"]:
            return self.values[node["Ref"]]
        if list(node) == ["Fn::If"]:
            name, if_true, if_false = node["Fn::If"]
            return self.resolved(if_true if self.is_true(self.conditions[name]) else if_false)
        return {key: self.resolved(value) for key, value in node.items()}


def parameters_of(template, given):
    """What each parameter is: as given, else its default. CloudFormation refuses unknown and missing ones."""
    declared = template.get("Parameters", {})
    assert set(given) <= set(declared), f"{sorted(given)} are not all in {sorted(declared)}"
    values = {name: given.get(name, facts.get("Default")) for name, facts in declared.items()}
    missing = [name for name, value in values.items() if value is None]
    assert not missing, f"the template needs {missing}"
    lists = {name for name, facts in declared.items() if facts["Type"] == "CommaDelimitedList"}
    return {name: value.split(",") if name in lists else value for name, value in values.items()}


def create_stack(client, account, name, body, given):
    template = yaml.safe_load(body)
    values = parameters_of(template, given)
    client.create_stack(
        StackName=name,
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    values |= {"AWS::AccountId": account, "AWS::Region": client.meta.region_name, "AWS::StackName": name}
    resolver = Resolver(template, values)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::StackSet":
            create_stack_set(client, resolver.resolved(resource["Properties"]))
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def create_stack_set(client, properties):
    groups = properties.pop("StackInstancesGroup")
    preferences = properties.pop("OperationPreferences")
    # botocore refuses what the service does not know.
    client.create_stack_set(**properties)
    parameters = parameters_of(
        yaml.safe_load(properties["TemplateBody"]),
        {each["ParameterKey"]: each["ParameterValue"] for each in properties["Parameters"]},
    )
    for group in groups:
        client.create_stack_instances(
            StackSetName=properties["StackSetName"],
            OperationPreferences=preferences,
            # moto gives instances the parameters of their own only.
            ParameterOverrides=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            **group,
        )


def role(account, partition, name):
    sts = boto3.client("sts")
    keys = sts.assume_role(
        RoleArn=f"arn:{partition}:iam::{account}:role/any", RoleSessionName="look"
    )["Credentials"]
    iam = boto3.client(
        "iam",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    try:
        found = iam.get_role(RoleName=name)["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            return None
        raise
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {
        "trust": found["AssumeRolePolicyDocument"],
        "path": found["Path"],
        "inline": {each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in inline},
    }


def main():
    file, role_name, given, *accounts = sys.argv[1:]
    with open(file, encoding="utf-8") as opened:
        body = opened.read()
    identity = boto3.client("sts").get_caller_identity()
    client = boto3.client("cloudformation")
    outputs = create_stack(client, identity["Account"], "orgmirror", body, json.loads(given))
    partition = identity["Arn"].split(":")[1]
    roles = {account: role(account, partition, role_name) for account in accounts}
    print(json.dumps({"outputs": outputs, "roles": roles}))


if __name__ == "__main__":
    main()
