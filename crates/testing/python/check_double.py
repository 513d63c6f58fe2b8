#!/usr/bin/env python3
"""Holds the double of AWS services to the API models that botocore ships.

    check_double.py URL ROLE_ARN

Calls everything the double answers and compares each raw answer with the model: no key that the model does not
have, no value of another type, enumeration or pattern, nothing missing that is required. Prints "checked ACTION"
for each; exits 1 with what is wrong otherwise.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

# Errors that any operation may answer with; the model lists only an operation's own.
COMMON = {"AccessDeniedException", "ThrottlingException", "UnrecognizedClientException", "ExpiredTokenException"}

# Structures the model does not mark, but AWS always fills: without them a consumer would notice.
FILLED = {
    "Organization": {"Id", "Arn", "FeatureSet", "MasterAccountId", "MasterAccountArn", "MasterAccountEmail"},
    "Root": {"Id", "Arn", "Name"},
    "Account": {"Id", "Arn", "Name", "Email", "JoinedMethod", "JoinedTimestamp"},
    "OrganizationalUnit": {"Id", "Arn", "Name"},
    "Parent": {"Id", "Type"},
    "Tag": {"Key", "Value"},
    "PolicySummary": {"Id", "Arn", "Name", "Type", "AwsManaged"},
    "PolicyTargetSummary": {"TargetId", "Arn", "Name", "Type"},
    "EnabledServicePrincipal": {"ServicePrincipal", "DateEnabled"},
    "Index": {"Region", "Arn", "Type"},
    "GetIndexOutput": {"Arn", "Type", "State"},
    "GetResourcesOutput": {"PaginationToken", "ResourceTagMappingList"},
    "ResourceTagMapping": {"ResourceARN", "Tags"},
}

XML_NAMESPACES = {
    "iam": "{https://iam.amazonaws.com/doc/2010-05-08/}",
    "sts": "{https://sts.amazonaws.com/doc/2011-06-15/}",
}

JSON_TYPES = {
    "structure": dict,
    "list": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "map": dict,
    "timestamp": (int, float),
}

wrong = []


def compare(value, shape, where):
    """Notes how `value` differs from `shape`."""
    expected = JSON_TYPES[shape.type_name]
    if shape.type_name == "timestamp" and shape.serialization.get("timestampFormat") == "iso8601":
        expected = str
    if not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean"):
        wrong.append(f"{where}: {value!r} is not a {shape.type_name}")
        return
    if shape.type_name == "structure":
        for key, member in value.items():
            if key in shape.members:
                compare(member, shape.members[key], f"{where}.{key}")
            else:
                wrong.append(f"{where}: {shape.name} has no member {key}")
        for key in set(shape.required_members) | FILLED.get(shape.name, set()):
            if key not in value:
                wrong.append(f"{where}: {key} is missing")
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            compare(item, shape.member, f"{where}[{number}]")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            wrong.append(f"{where}: {value!r} is none of {shape.enum}")
        pattern = shape.metadata.get("pattern")
        # Patterns with classes such as \p{L} are not Python's.
        if pattern and "\\p{" not in pattern and not re.search(pattern, value):
            wrong.append(f"{where}: {value!r} does not match {pattern}")


def client(service, url, region):
    session = botocore.session.Session()
    made = session.create_client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    raw = {}

    def keep(response_dict, **_):
        raw.clear()
        raw.update(response_dict)

    made.meta.events.register(f"before-parse.{service}", keep)
    return made, raw


class Checked:
    """A client whose every answer is compared with the model."""

    def __init__(self, service, url, region="us-east-1"):
        self.client, self.raw = client(service, url, region)
        self.model = self.client.meta.service_model
        self.service = service

    def call(self, action, **arguments):
        operation = self.model.operation_model(action)
        method = botocore.xform_name(action)
        parsed = getattr(self.client, method)(**arguments)
        if self.service in XML_NAMESPACES:
            self.compare_xml(action, operation.output_shape)
        else:
            compare(json.loads(self.raw["body"]), operation.output_shape, action)
        print(f"checked {action}")
        return parsed

    def compare_xml(self, action, shape):
        root = ElementTree.fromstring(self.raw["body"])
        namespace = XML_NAMESPACES[self.service]
        result = root.find(f"{namespace}{action}Result")
        if root.tag != f"{namespace}{action}Response" or result is None:
            wrong.append(f"{action}: no {action}Response with {action}Result")
            return
        if root.find(f"{namespace}ResponseMetadata/{namespace}RequestId") is None:
            wrong.append(f"{action}: no request ID")
        self.compare_element(result, shape, action, namespace)

    def compare_element(self, element, shape, where, namespace):
        if shape.type_name == "list":
            for number, item in enumerate(element):
                if item.tag != f"{namespace}member":
                    wrong.append(f"{where}: {item.tag} is no member")
                self.compare_element(item, shape.member, f"{where}[{number}]", namespace)
            return
        if shape.type_name == "boolean" and element.text not in ("true", "false"):
            wrong.append(f"{where}: {element.text!r} is not a boolean")
        if shape.type_name != "structure":
            if shape.type_name == "timestamp" and not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", element.text or ""):
                wrong.append(f"{where}: {element.text!r} is not a timestamp")
            if shape.type_name == "string":
                compare(element.text or "", shape, where)
            return
        found = set()
        for child in element:
            key = child.tag.removeprefix(namespace)
            found.add(key)
            if key in shape.members:
                self.compare_element(child, shape.members[key], f"{where}.{key}", namespace)
            else:
                wrong.append(f"{where}: {shape.name} has no member {key}")
        for key in shape.required_members:
            if key not in found:
                wrong.append(f"{where}: {key} is missing")

    def pages(self, action, **arguments):
        token = {}
        while True:
            answer = self.call(action, **arguments, **token)
            yield answer
            if "NextToken" not in answer:
                return
            token = {"NextToken": answer["NextToken"]}

    def refused(self, code, action, **arguments):
        operation = self.model.operation_model(action)
        try:
            getattr(self.client, botocore.xform_name(action))(**arguments)
        except ClientError as error:
            found = error.response["Error"]["Code"]
            if found != code:
                wrong.append(f"{action} answered {found}, not {code}")
            if self.service in XML_NAMESPACES:
                return
            names = {shape.name for shape in operation.error_shapes}
            if code not in names | COMMON:
                wrong.append(f"{action}: the model knows no {code}")
            body = json.loads(self.raw["body"])
            for shape in operation.error_shapes:
                if shape.name == code:
                    body.pop("__type", None)
                    compare(body, shape, f"{action} {code}")
        else:
            wrong.append(f"{action} with {arguments} was not refused with {code}")


def check_policies(organizations):
    (roots,) = organizations.pages("ListRoots")
    if roots["Roots"][0]["PolicyTypes"] != [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]:
        wrong.append("the root has no service control policies")
    pages = organizations.pages("ListPolicies", Filter="SERVICE_CONTROL_POLICY", MaxResults=1)
    policies = [policy for page in pages for policy in page["Policies"]]
    if len(policies) < 2:
        wrong.append("there is no policy besides FullAWSAccess")
    for policy in policies:
        described = organizations.call("DescribePolicy", PolicyId=policy["Id"])["Policy"]
        if described["PolicySummary"] != policy:
            wrong.append(f"DescribePolicy and ListPolicies differ on {policy['Id']}")
        json.loads(described["Content"])
        targets = [t for page in organizations.pages("ListTargetsForPolicy", PolicyId=policy["Id"]) for t in page["Targets"]]
        if not targets:
            wrong.append(f"{policy['Id']} is attached to nothing")
    services = organizations.pages("ListAWSServiceAccessForOrganization", MaxResults=1)
    if not any(page["EnabledServicePrincipals"] for page in services):
        wrong.append("no service has trusted access")
    organizations.refused("PolicyNotFoundException", "DescribePolicy", PolicyId="p-none0000")
    organizations.refused("PolicyNotFoundException", "ListTargetsForPolicy", PolicyId="p-none0000")


def check_explorer(url):
    explorer = Checked("resource-explorer-2", url)
    indexes = [index for page in explorer.pages("ListIndexes", MaxResults=1) for index in page["Indexes"]]
    if len(indexes) < 2:
        wrong.append("Resource Explorer has fewer than two indexes")
    here = explorer.call("GetIndex")
    if here["Arn"] not in {index["Arn"] for index in indexes}:
        wrong.append("GetIndex shows an index that ListIndexes does not")
    explorer.call("GetDefaultView")
    elsewhere = Checked("resource-explorer-2", url, region="eu-central-2")
    elsewhere.refused("ResourceNotFoundException", "GetIndex")
    elsewhere.refused("ResourceNotFoundException", "GetDefaultView")


def main():
    url, role_arn = sys.argv[1:]
    organizations = Checked("organizations", url)
    described = organizations.call("DescribeOrganization")["Organization"]
    (roots,) = organizations.pages("ListRoots")
    (root,) = roots["Roots"]

    listed = [a for page in organizations.pages("ListAccounts", MaxResults=7) for a in page["Accounts"]]
    parents, units, found = [root["Id"]], [], {}
    for parent in parents:
        for page in organizations.pages("ListOrganizationalUnitsForParent", ParentId=parent, MaxResults=2):
            units += page["OrganizationalUnits"]
            parents += [unit["Id"] for unit in page["OrganizationalUnits"]]
        for page in organizations.pages("ListAccountsForParent", ParentId=parent, MaxResults=3):
            found.update({account["Id"]: parent for account in page["Accounts"]})
    if sorted(found) != sorted(account["Id"] for account in listed):
        wrong.append("the lists per parent and the list of all accounts differ")
    if described["MasterAccountId"] not in found:
        wrong.append("the management account is not listed")
    for account in listed[:5]:
        identity = account["Id"]
        parent = organizations.call("ListParents", ChildId=identity)["Parents"][0]
        if parent["Id"] != found[identity]:
            wrong.append(f"ListParents says {parent['Id']} of {identity}, the lists say {found[identity]}")
        if organizations.call("DescribeAccount", AccountId=identity)["Account"] != account:
            wrong.append(f"DescribeAccount and ListAccounts differ on {identity}")
        for path in account.get("Paths", []):
            if not path.startswith(f"{described['Id']}/{root['Id']}/") or not path.endswith(f"/{identity}/"):
                wrong.append(f"{identity} has the path {path}")
    for unit in units[:3]:
        organizations.call("ListParents", ChildId=unit["Id"])
        if organizations.call("DescribeOrganizationalUnit", OrganizationalUnitId=unit["Id"])["OrganizationalUnit"] != unit:
            wrong.append(f"DescribeOrganizationalUnit and the list differ on {unit['Id']}")
    for account in listed:
        for _ in organizations.pages("ListTagsForResource", ResourceId=account["Id"]):
            pass

    organizations.refused("InvalidInputException", "ListAccounts", NextToken="nonsense")
    organizations.refused("InvalidInputException", "ListAccountsForParent", ParentId=root["Id"], NextToken="bm9uc2Vuc2U=")
    organizations.refused("ParentNotFoundException", "ListAccountsForParent", ParentId="ou-none-00000000")
    organizations.refused("ParentNotFoundException", "ListOrganizationalUnitsForParent", ParentId="ou-none-00000000")
    organizations.refused("ChildNotFoundException", "ListParents", ChildId="000000000000")
    organizations.refused("AccountNotFoundException", "DescribeAccount", AccountId="000000000000")
    organizations.refused("TargetNotFoundException", "ListTagsForResource", ResourceId="000000000000")

    # botocore refuses MaxResults above 20 by itself: the double is asked without its validation.
    organizations.client.meta.config.parameter_validation = False
    loose = botocore.session.Session().create_client(
        "organizations",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )
    try:
        loose.list_accounts(MaxResults=21)
        wrong.append("ListAccounts took MaxResults=21")
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInputException":
            wrong.append(f"MaxResults=21 was answered with {error}")

    sts = Checked("sts", url)
    sts.call("GetCallerIdentity")
    sts.call("AssumeRole", RoleArn=role_arn, RoleSessionName="check", ExternalId="external")
    sts.refused("AccessDenied", "AssumeRole", RoleArn=role_arn, RoleSessionName="check", ExternalId="another")
    sts.refused("AccessDenied", "AssumeRole", RoleArn=role_arn, RoleSessionName="check")
    sts.refused("AccessDenied", "AssumeRole", RoleArn=role_arn + "-not-there", RoleSessionName="check")

    tagging = Checked("resourcegroupstaggingapi", url)
    tagged, token = {}, ""
    while True:
        page = tagging.call(
            "GetResources", ResourceTypeFilters=["organizations:account"], ResourcesPerPage=7, PaginationToken=token
        )
        for resource in page["ResourceTagMappingList"]:
            tagged[resource["ResourceARN"]] = resource["Tags"]
        token = page["PaginationToken"]
        if not token:
            break
    for account in listed:
        pages = organizations.pages("ListTagsForResource", ResourceId=account["Id"])
        tags = [tag for page in pages for tag in page["Tags"]]
        if tags != tagged.get(account["Arn"], []):
            wrong.append(f"GetResources and ListTagsForResource differ on {account['Id']}")
    if not any(tagged.values()):
        wrong.append("GetResources shows no tags")
    tagging.refused("InvalidParameterException", "GetResources", PaginationToken="nonsense")

    iam = Checked("iam", url)
    keys = iam.call("ListAccessKeys")["AccessKeyMetadata"]
    if "AKIAEXAMPLE" not in {key["AccessKeyId"] for key in keys}:
        wrong.append("ListAccessKeys does not list the caller's key")

    check_policies(organizations)
    check_explorer(url)

    for line in wrong:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
