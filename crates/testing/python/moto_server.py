#!/usr/bin/env python3
"""An emulated AWS organization in one process, driven by JSON lines.

moto answers the AWS APIs on a free port of 127.0.0.1. The first line printed says where:

    {"url": "http://127.0.0.1:40001", "pid": 4711}

Then every line read is a command, {"op": NAME, ...}, answered by one line: {"ok": true, ...} or {"error": "..."}.
Commands change moto's memory directly, so that thousands of accounts take a second. The process ends when its input
does; nothing outlives a killed parent. IDs are the same in every run.

    seed            makes an organization. "tree" is its root:
                      {"accounts": [ACCOUNT...], "organizational_units": [UNIT...]}
                      UNIT: {"name", "id"?, "tags"?, "accounts"?, "organizational_units"?}
                      ACCOUNT: {"name", "email"?, "id"?, "tags"?, "state"?, "joined"? (RFC 3339), "joined_method"?}
                    "management": an ACCOUNT, the management account (default ID 123456789012); "partition": aws,
                    aws-us-gov or aws-cn; "id", "root_id": fixed IDs; "feature_set": ALL.
                    Answers id, root_id, management_account_id, credentials, organizational_units (path -> ID),
                    accounts (name -> ID) and account_paths (path of the OU + name -> ID); of accounts with the same
                    name the first counts.
    create_ou       "name", "parent"?, "id"?, "tags"?  -> id
    rename_ou       "ou", "name"
    move_ou         "ou", "parent" (AWS has no such call)
    delete_ou       "ou", "force"? (true: even if not empty, which leaves orphans)
    create_account  "name", "parent"?, and all of ACCOUNT  -> id
    rename_account  "account", "name"
    move_account    "account", "parent"
    set_account_state  "account", "state" (ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED, PENDING_ACTIVATION)
    set_email       "account", "email"
    set_tags        "account", "tags" (replaces all tags)
    remove_account  "account": it leaves the organization
    describe        -> "tree" and "management", in the shape that seed takes, with every ID
    credentials     "account"? -> access_key_id, secret_access_key of a user of that account (default: management)
    calls           -> "calls": {"organizations:ListAccounts": 3, ...}, counted since the start or reset_calls
    reset_calls

An OU is named by its ID or its path ("/Workloads/Prod"; "/" is the root), an account by its ID, its name, or the path of
its OU and its name. With several organizations in one process, "organization" (its ID) says which; default: the
first seeded.
"""

import argparse
import io
import json
import logging
import os
import random
import signal
import string
import sys
import threading
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from unittest import mock
from urllib.parse import parse_qs

from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam import models as iam
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.organizations import models, utils
from werkzeug.serving import make_server

REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-northwest-1"}

# `State` as it is, and the `Status` that the service gives for it.
STATES = {
    "ACTIVE": "ACTIVE",
    "SUSPENDED": "SUSPENDED",
    "CLOSED": "SUSPENDED",
    "PENDING_CLOSURE": "PENDING_CLOSURE",
    "PENDING_ACTIVATION": "SUSPENDED",
}

USER = "orgmirror"


class CommandError(Exception):
    """A command that cannot be done, said in words."""


class Calls:
    """WSGI middleware that counts the AWS calls by service and operation."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()
        self.counts = Counter()
        self.writing = threading.Lock()

    def __call__(self, environ, start_response):
        operation = self.operation(environ)
        if operation:
            with self.lock:
                self.counts[operation] += 1
        if environ["REQUEST_METHOD"] in ("PUT", "DELETE"):
            # S3 checks the condition of a write while it writes. moto checks it first and writes later, so that two
            # writes at the same time may both be made.
            with self.writing:
                return self.app(environ, start_response)
        return self.app(environ, start_response)

    @staticmethod
    def operation(environ):
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            service, _, action = target.rpartition(".")
            if service.startswith("AWSOrganizations"):
                service = "organizations"
            return f"{service}:{action}"
        if "urlencoded" not in environ.get("CONTENT_TYPE", ""):
            return None
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        action = parse_qs(body.decode("utf-8", "replace")).get("Action")
        if not action:
            return None
        # Credential=KEY/DATE/REGION/SERVICE/aws4_request
        scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0].split("/")
        service = scope[3] if len(scope) == 5 else "unsigned"
        return f"{service}:{action[0]}"


def account_of_key(access_key):
    """The owner of an access key.

    moto's own search makes an IAM backend per account and partition while it looks, which takes minutes with
    thousands of accounts. This one looks at those that are there.
    """
    for account_id, partitions in list(iam.iam_backends.items()):
        for backend in list(partitions.values()):
            if access_key in backend.access_keys:
                return account_id
    return DEFAULT_ACCOUNT_ID


class Organization:
    """One organization in moto's memory."""

    def __init__(self, ids, command):
        management = command.get("management") or {}
        self.ids = ids
        self.partition = command.get("partition", "aws")
        if self.partition not in REGIONS:
            raise CommandError(f"partition {self.partition!r} is none of {', '.join(REGIONS)}")
        self.management_account_id = management.get("id", DEFAULT_ACCOUNT_ID)
        # First, so that moto finds the owner of this key before all others.
        self.credentials(self.management_account_id)
        self.backend = models.organizations_backends[self.management_account_id][self.partition]
        self.joined = datetime(2020, 1, 1)
        self.timestamps = set()
        with (
            mock.patch.object(utils, "make_random_org_id", return_value=command.get("id") or ids.organization()),
            mock.patch.object(utils, "make_random_root_id", return_value=command.get("root_id") or ids.root()),
            mock.patch.object(utils, "make_random_account_id", return_value=self.management_account_id),
        ):
            try:
                self.backend.create_organization(
                    REGIONS[self.partition], FeatureSet=command.get("feature_set", "ALL")
                )
            except models.AlreadyInOrganizationException:
                raise CommandError(f"account {self.management_account_id} is in an organization already") from None
        self.root = self.backend.ou[0]
        self.index()
        account = self.backend.accounts[0]
        # A real management account is there before its organization and has its own name.
        self.describe_account(
            account, {"name": "Management", "email": utils.MASTER_ACCOUNT_EMAIL, "joined_method": "INVITED", **management}
        )
        self.backend.org.master_account_email = account.email

    def index(self):
        """Takes in what was made through the AWS API."""
        self.units = {unit.id: unit for unit in self.backend.ou}
        self.accounts = {account.id: account for account in self.backend.accounts}

    def credentials(self, account_id):
        backend = iam.iam_backends[account_id][self.partition]
        if USER not in backend.users:
            backend.create_user(REGIONS[self.partition], USER)
            backend.create_access_key(USER)
        key = backend.users[USER].access_keys[0]
        return {
            "account_id": account_id,
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
        }

    def plant(self, tree, parent_id):
        """Makes everything below a node of a seed."""
        for account in tree.get("accounts", []):
            self.create_account(account, parent_id)
        for unit in tree.get("organizational_units", []):
            unit_id = self.create_unit(unit, parent_id)
            self.plant(unit, unit_id)

    # Names

    def path(self, unit_id):
        names = []
        while unit_id != self.root.id:
            unit = self.units.get(unit_id)
            if unit is None:
                # Its parent was deleted by force: it hangs from nothing.
                return "?/" + "/".join(reversed(names))
            names.append(unit.name.replace("%", "%25").replace("/", "%2F"))
            unit_id = unit.parent_id
        return "/" + "/".join(reversed(names))

    def unit(self, name):
        if name is None or name == "/":
            return self.root
        if name in self.units:
            return self.units[name]
        found = [unit for unit in self.units.values() if name == self.path(unit.id)]
        if not found:
            raise CommandError(f"no OU has the ID or path {name!r}")
        return found[0]

    def account(self, name):
        if name in self.accounts:
            return self.accounts[name]
        found = [
            account
            for account in self.accounts.values()
            if name in (account.name, self.path(account.parent_id).rstrip("/") + "/" + account.name)
        ]
        if not found:
            raise CommandError(f"no account has the ID, name or path {name!r}")
        if len(found) > 1:
            raise CommandError(f"{len(found)} accounts are named {name!r}: {', '.join(a.id for a in found)}")
        return found[0]

    # Changes

    def create_unit(self, unit, parent_id):
        parent = self.unit(parent_id)
        unit_id = unit.get("id") or self.ids.unit(self.root.id)
        if unit_id in self.units:
            raise CommandError(f"OU {unit_id} is there already")
        self.check_unit_name(unit["name"], parent.id)
        with mock.patch.object(utils, "make_random_ou_id", return_value=unit_id):
            made = models.FakeOrganizationalUnit(
                self.backend.org, Name=unit["name"], ParentId=parent.id, Tags=as_tags(unit)
            )
        self.attach(made)
        self.backend.ou.append(made)
        self.units[unit_id] = made
        return unit_id

    def check_unit_name(self, name, parent_id):
        if any(unit.parent_id == parent_id and unit.name == name for unit in self.units.values() if unit is not self.root):
            raise CommandError(f"{self.path(parent_id)} holds an OU named {name!r} already")

    def rename_unit(self, name, new_name):
        unit = self.unit(name)
        if unit is self.root:
            raise CommandError("the root cannot be renamed")
        self.check_unit_name(new_name, unit.parent_id)
        unit.name = new_name

    def move_unit(self, name, parent):
        unit, parent = self.unit(name), self.unit(parent)
        ancestor = parent
        while ancestor is not self.root:
            if ancestor is unit:
                raise CommandError(f"{parent.id} is below {unit.id}")
            ancestor = self.units[ancestor.parent_id]
        if unit is self.root:
            raise CommandError("the root cannot be moved")
        self.check_unit_name(unit.name, parent.id)
        unit.parent_id = parent.id

    def delete_unit(self, name, force):
        unit = self.unit(name)
        if unit is self.root:
            raise CommandError("the root cannot be deleted")
        held = [
            child.id
            for child in [*self.units.values(), *self.accounts.values()]
            if child is not self.root and child.parent_id == unit.id
        ]
        if held and not force:
            raise CommandError(f"{self.path(unit.id)} is not empty: {', '.join(held)}")
        self.backend.ou.remove(unit)
        del self.units[unit.id]
        self.detach(unit)

    def create_account(self, account, parent_id):
        parent = self.unit(parent_id)
        account_id = account.get("id") or self.ids.account()
        if account_id in models.organizations_backends.master_accounts or account_id == self.management_account_id:
            raise CommandError(f"account {account_id} is in an organization already")
        name = account["name"]
        email = account.get("email") or f"aws+{account_id}@example.com"
        with mock.patch.object(utils, "make_random_account_id", return_value=account_id):
            made = models.FakeAccount(self.backend.org, AccountName=name, Email=email)
        # As moto's create_account does, without its search through all accounts for the one just made.
        self.attach(made)
        self.backend.accounts.append(made)
        models.organizations_backends.master_accounts[account_id] = (self.management_account_id, self.partition)
        self.accounts[account_id] = made
        self.describe_account(made, {"email": email, **account})
        made.parent_id = parent.id
        return account_id

    def describe_account(self, account, facts):
        account.name = facts["name"]
        account.email = facts.get("email") or account.email
        account.tags = dict(facts.get("tags") or {})
        account.joined_method = facts.get("joined_method", "CREATED")
        self.set_state(account, facts.get("state") or "ACTIVE")
        joined = facts.get("joined")
        if joined:
            # moto computes with times that have no zone.
            moment = datetime.fromisoformat(joined.replace("Z", "+00:00")).astimezone(timezone.utc).replace(tzinfo=None)
        else:
            moment = self.joined
            self.joined += timedelta(hours=1)
        # moto's page tokens are timestamps: two alike would show accounts twice or never end.
        while moment in self.timestamps:
            moment += timedelta(microseconds=1)
        self.timestamps.add(moment)
        account.create_time = moment

    def set_state(self, account, state):
        if state not in STATES:
            raise CommandError(f"state {state!r} is none of {', '.join(STATES)}")
        account.state = state
        account.status = STATES[state]

    def move_account(self, name, parent):
        self.account(name).parent_id = self.unit(parent).id

    def remove_account(self, name):
        account = self.account(name)
        if account.id == self.management_account_id:
            raise CommandError("the management account cannot leave its organization")
        models.organizations_backends.master_accounts.pop(account.id, None)
        self.backend.accounts.remove(account)
        del self.accounts[account.id]
        self.detach(account)

    def attach(self, target):
        for policy_id in (utils.DEFAULT_SCP_POLICY_ID, utils.DEFAULT_RCP_POLICY_ID):
            policy = self.backend.get_policy_by_id(policy_id)
            target.attached_policies.append(policy)
            policy.attachments.append(target)

    def detach(self, target):
        for policy in target.attached_policies:
            policy.attachments.remove(target)

    # Answers

    def summary(self):
        units = {self.path(unit_id): unit_id for unit_id in self.units}
        paths = {unit_id: path for path, unit_id in units.items()}
        names, account_paths = {}, {}
        for account in self.backend.accounts:
            names.setdefault(account.name, account.id)
            account_paths.setdefault(f"{paths[account.parent_id].rstrip('/')}/{account.name}", account.id)
        return {
            "id": self.backend.org.id,
            "root_id": self.root.id,
            "management_account_id": self.management_account_id,
            "credentials": self.credentials(self.management_account_id),
            "organizational_units": units,
            "accounts": names,
            "account_paths": account_paths,
        }

    def describe(self):
        units = {
            unit.id: {"name": unit.name, "id": unit.id, "tags": unit.tags, "accounts": [], "organizational_units": []}
            for unit in self.backend.ou
        }
        orphans = []
        for unit in self.backend.ou[1:]:
            holder = units.get(unit.parent_id)
            (holder["organizational_units"] if holder else orphans).append(units[unit.id])
        management = None
        for account in self.backend.accounts:
            facts = {
                "name": account.name,
                "id": account.id,
                "email": account.email,
                "tags": account.tags,
                "state": account.state,
                "joined": account.create_time.isoformat() + "Z",
                "joined_method": account.joined_method,
            }
            holder = units.get(account.parent_id)
            if account.id == self.management_account_id:
                management = {**facts, "parent": account.parent_id}
            else:
                (holder["accounts"] if holder else orphans).append(facts)
        return {
            "id": self.backend.org.id,
            "root_id": self.root.id,
            "management": management,
            "tree": units[self.root.id],
            "orphans": orphans,
        }


class Ids:
    """IDs that are the same in every run and unique in this one."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.used = set()

    def text(self, alphabet, length):
        while True:
            made = "".join(self.random.choices(alphabet, k=length))
            if made not in self.used:
                self.used.add(made)
                return made

    def organization(self):
        return "o-" + self.text(utils.CHARSET, 10)

    def root(self):
        return "r-" + self.text(utils.CHARSET, 4)

    def unit(self, root_id):
        return f"ou-{root_id.removeprefix('r-')}-{self.text(utils.CHARSET, 8)}"

    def account(self):
        # A leading zero is legal, and what breaks tools that take an ID for a number: about one in ten has it.
        return self.text(string.digits, 12)


class Emulator:
    """The commands."""

    def __init__(self, seed, calls):
        self.calls = calls
        self.ids = Ids(seed)
        self.organizations = {}

    def run(self, command):
        if not isinstance(command, dict) or not isinstance(command.get("op"), str):
            raise CommandError('a command is an object with "op"')
        method = getattr(self, "op_" + command["op"], None)
        if method is None:
            raise CommandError(f"no command is called {command['op']!r}; --help lists them")
        try:
            return method(command) or {}
        except KeyError as error:
            raise CommandError(f"{command['op']} needs {error}") from None

    def organization(self, command):
        if not self.organizations:
            raise CommandError("there is no organization yet: seed one")
        name = command.get("organization") or next(iter(self.organizations))
        if name not in self.organizations:
            raise CommandError(f"no organization has the ID {name!r}")
        organization = self.organizations[name]
        organization.index()
        return organization

    def op_seed(self, command):
        organization = Organization(self.ids, command)
        self.organizations[organization.backend.org.id] = organization
        organization.plant(command.get("tree") or {}, organization.root.id)
        organization.move_account(organization.management_account_id, (command.get("management") or {}).get("parent"))
        return organization.summary()

    def op_create_ou(self, command):
        return {"id": self.organization(command).create_unit(command, command.get("parent"))}

    def op_rename_ou(self, command):
        self.organization(command).rename_unit(command["ou"], command["name"])

    def op_move_ou(self, command):
        self.organization(command).move_unit(command["ou"], command["parent"])

    def op_delete_ou(self, command):
        self.organization(command).delete_unit(command["ou"], command.get("force", False))

    def op_create_account(self, command):
        return {"id": self.organization(command).create_account(command, command.get("parent"))}

    def op_rename_account(self, command):
        self.organization(command).account(command["account"]).name = command["name"]

    def op_move_account(self, command):
        self.organization(command).move_account(command["account"], command["parent"])

    def op_set_account_state(self, command):
        organization = self.organization(command)
        organization.set_state(organization.account(command["account"]), command["state"])

    def op_set_email(self, command):
        self.organization(command).account(command["account"]).email = command["email"]

    def op_set_tags(self, command):
        self.organization(command).account(command["account"]).tags = dict(command["tags"])

    def op_remove_account(self, command):
        self.organization(command).remove_account(command["account"])

    def op_describe(self, command):
        return self.organization(command).describe()

    def op_credentials(self, command):
        organization = self.organization(command)
        name = command.get("account") or organization.management_account_id
        return organization.credentials(organization.account(name).id)

    def op_calls(self, command):
        with self.calls.lock:
            return {"calls": dict(sorted(self.calls.counts.items()))}

    def op_reset_calls(self, command):
        with self.calls.lock:
            self.calls.counts.clear()


def as_tags(facts):
    return [{"Key": key, "Value": value} for key, value in (facts.get("tags") or {}).items()]


def serve(port):
    # Requests are not news.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    calls = Calls(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", port, calls, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + "/moto-api/", timeout=30):
        return url, calls


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1; default: a free one")
    parser.add_argument("--ids", type=int, default=1, metavar="N", help="another N gives other IDs; default 1")
    options = parser.parse_args()

    # moto prints; answers must stay alone.
    answers, sys.stdout = sys.stdout, sys.stderr

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: os._exit(0))
    iam.get_account_id_from = account_of_key
    url, calls = serve(options.port)
    emulator = Emulator(options.ids, calls)
    answer({"url": url, "pid": os.getpid()})
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            answer({"ok": True, **emulator.run(json.loads(line))})
        except (CommandError, json.JSONDecodeError) as error:
            answer({"error": str(error)})
        except Exception as error:  # A broken command must not end the server that a test is talking to.
            logging.exception("command %s", line.strip()[:200])
            answer({"error": f"{type(error).__name__}: {error}"})
    # Threads that still answer must not hold up the end.
    os._exit(0)


if __name__ == "__main__":
    main()
