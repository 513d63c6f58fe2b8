"""c7n-org as people run it, on an accounts file.

    accounts.py read FILE                    what it loads, texts as hexadecimal UTF-8
    accounts.py run FILE DIRECTORY < JSON    seeds $AWS_ENDPOINT_URL with topics, and finds them with a policy

Its findings are one line of JSON; what the tools say goes to the errors.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from unittest import mock

import boto3
import botocore.client
import jsonschema
import yaml
from c7n_org import cli
from c7n_org.utils import account_tags, environ

POLICY = {"policies": [{"name": "topics", "resource": "aws.sns", "description": "of {owners[user][0]}"}]}


def hexadecimal(text):
    return text.encode().hex()


def read(file):
    with open(file, "rb") as opened:
        config = yaml.safe_load(opened.read())
    jsonschema.validate(config, cli.CONFIG_SCHEMA)
    found = []
    for account in cli.accounts_iterator(config):
        # Around every policy; an account whose tags cannot be set fails as a whole.
        with environ(**account_tags(account)):
            pass
        texts = {name: hexadecimal(account.get(name, "")) for name in ("email", "external_id", "role")}
        tags = [hexadecimal(tag) for tag in account["tags"]]
        owners = account["vars"].get("owners", {}).items()
        owners = {hexadecimal(key): [hexadecimal(value) for value in values] for key, values in owners}
        plain = {name: account[name] for name in ("account_id", "name", "regions")}
        found.append(texts | plain | {"tags": tags, "owners": owners})
    return found


def assumed(role):
    credentials = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="seed")["Credentials"]
    return boto3.Session(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )


def run(file, directory):
    """Runs once with each list of arguments, and tells where it looked, which topics it found, how it assumed
    roles and what it made of the policy's description; and which regions accounts have."""
    wanted = json.load(sys.stdin)
    for role, region, name in wanted["topics"]:
        assumed(role).client("sns", region_name=region).create_topic(Name=name)
    policies = Path(directory, "policies.yml")
    policies.write_text(yaml.safe_dump(POLICY))

    # One that has all regions is not run in every one of them: that takes its time.
    with open(file, "rb") as opened:
        accounts = list(cli.accounts_iterator(yaml.safe_load(opened)))
    regions = {account["name"]: cli.resolve_regions(account["regions"], account) for account in accounts}

    runs = []
    for number, arguments in enumerate(wanted["arguments"]):
        roles = set()
        call = botocore.client.BaseClient._make_api_call

        def tap(client, operation, parameters, call=call, roles=roles):
            if operation == "AssumeRole":
                roles.add((parameters["RoleArn"], parameters.get("ExternalId")))
            return call(client, operation, parameters)

        output = Path(directory, f"output-{number}")
        cache = Path(directory, f"cache-{number}")
        cache.mkdir()
        # In this process (--debug), where its calls can be seen.
        command = ["run", "-c", file, "-u", policies, "-s", output, "--cache-path", cache, "--debug", *arguments]
        with mock.patch.object(botocore.client.BaseClient, "_make_api_call", tap):
            cli.cli([str(part) for part in command], standalone_mode=False)
        looked = [result.relative_to(output).parts[:2] for result in output.glob("*/*/topics/resources.json")]
        topics = [
            (*result.relative_to(output).parts[:2], topic["TopicArn"])
            for result in output.glob("*/*/topics/resources.json")
            for topic in json.loads(result.read_text())
        ]
        descriptions = {
            result.relative_to(output).parts[0]: json.loads(result.read_text())["policy"]["description"]
            for result in output.glob("*/*/topics/metadata.json")
        }
        runs.append(
            {
                "looked": sorted(looked),
                "topics": sorted(topics),
                "roles": sorted(roles, key=str),
                "descriptions": descriptions,
            }
        )
    return {"regions": regions, "runs": runs}


def main():
    with contextlib.redirect_stdout(sys.stderr):
        found = {"read": read, "run": run}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    main()
