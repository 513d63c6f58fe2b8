#!/usr/bin/env python3
"""The main job, on a machine of its own: `make demo`.

    scripts/demo.py [--full] [TARGET...]

Real Terraform, an AWS organization emulated by moto, and the configuration in examples/demo. Every step is checked; the
exit code is 0 only if each one went as it should. Nothing is left behind. `make` is asked for the targets, what the
demo needs of Python, while cargo builds the provider. `--full` prints plans whole.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build
from environment import without_settings

ROOT = build.ROOT
# Has moto and the AWS CLI.
PYTHON = str(ROOT / ".venv" / "bin" / "python")
EXAMPLE = ROOT / "examples" / "demo"
INTEGRATION = "orgmirror_integration.acme"
# Added to the configuration for the second apply.
SECOND = "sandbox.tf"
WORKSPACES = ("security", "finops")
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
FULL = "--full" in sys.argv[1:]
# Said before it, and measured on two processors.
FIRST_BUILD = "four to five minutes on two processors"


class Unexpected(Exception):
    """A step that did not go as it should."""


# What is printed


def say(text=""):
    print(text, flush=True)


def styled(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Steps:
    number = 0


def step(text):
    Steps.number += 1
    say()
    say(styled("1", f"{Steps.number}. {text}"))


def narrate(text):
    say(textwrap.fill(text, 110, initial_indent="   ", subsequent_indent="   "))


def right(text):
    say(f"   {styled('32', 'ok')}  {text}")


def quote(text, keep=None):
    lines = text.strip().splitlines()
    if keep and not FULL and len(lines) > keep + 4:
        lines[keep:-3] = ["", f"... {len(lines) - keep - 3} more lines (scripts/demo.py --full shows them) ...", ""]
    say()
    for line in lines:
        say("   | " + line if line else "   |")
    say()


# What is run


class Emulator:
    """The emulated AWS organization, a process that ends with this one."""

    def __init__(self, home):
        self.process = subprocess.Popen(
            [PYTHON, "-I", str(ROOT / "crates" / "testing" / "python" / "moto_server.py")],
            env=without_settings(HOME=str(home)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        line = self.process.stdout.readline()
        if not line:
            raise Unexpected("the emulated AWS did not start")
        self.url = json.loads(line)["url"]

    def do(self, op, **arguments):
        self.process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "it ended"}
        if "error" in answer:
            raise Unexpected(f"the emulated AWS could not {op} {arguments}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Terraform:
    """Terraform in a directory and with an environment of its own."""

    def __init__(self, home):
        # It runs in another directory, so a path relative to this one has to be made absolute.
        command = os.environ.get("ORGMIRROR_TERRAFORM", "terraform")
        self.command = str(Path(command).absolute()) if os.sep in command else command
        self.directory = home / "acme"
        shutil.copytree(EXAMPLE, self.directory, ignore=shutil.ignore_patterns(".*", "*.tfstate*", "*.json", SECOND))
        self.environment = without_settings(
            HOME=str(home),
            TF_CLI_CONFIG_FILE=str(home / "terraform.rc"),
            TF_INPUT="0",
            TF_CLI_ARGS="-no-color",
            CHECKPOINT_DISABLE="1",
            AWS_EC2_METADATA_DISABLED="true",
        )
        (home / "terraform.rc").write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{home / "plugins"}"\n  }}\n}}\n'
        )
        self.version = json.loads(self.run("version", "-json", quiet=True).stdout)

    def run(self, *arguments, expect=0, quiet=False):
        if not quiet:
            say(f"   {styled('2', '$ terraform ' + ' '.join(arguments))}")
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode != expect:
            said = f"{done.stdout}\n{done.stderr}".strip()
            raise Unexpected(f"terraform {' '.join(arguments)}\nexited {done.returncode}, not {expect}:\n\n{said}")
        return done

    def json(self, *arguments):
        return json.loads(self.run("show", "-json", *arguments, quiet=True).stdout)

    def published(self, workspace, name):
        """A published file."""
        return self.directory / ".orgmirror" / "tenants" / "acme" / "workspaces" / "acme" / workspace / name

    def quote_plan(self, plan):
        """Shows a saved plan; in colour where there is a terminal for it."""
        if COLOUR:
            say()
            subprocess.run(
                [self.command, "show", plan],
                cwd=self.directory,
                env=self.environment | {"TF_CLI_ARGS": ""},
                stdin=subprocess.DEVNULL,
            )
        else:
            quote(self.run("show", plan, quiet=True).stdout)


def set_up(targets):
    """Builds the provider, as cargo builds it quickest, and makes the targets meanwhile. Gives the binary."""
    try:
        building = build.begin()
    except build.BuildError as error:
        raise Unexpected(str(error)) from error
    failed = []

    def make():
        done = subprocess.run([os.environ.get("MAKE", "make"), "--silent", "--no-print-directory", *targets], cwd=ROOT, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            failed.append(done)
            # Nobody waits minutes for a build that is of no use.
            building.terminate()

    making = threading.Thread(target=make)
    if targets:
        making.start()
    binary = wrong = None
    try:
        binary = build.finish(building)
    except build.BuildError as error:
        wrong = str(error)
    if targets:
        making.join()
    if failed:
        wrong = "the Python packages of the demo could not be installed: what pip said is above"
    if wrong:
        raise Unexpected(wrong)
    return binary


def offer(binary, version, home, platform):
    """Puts the provider where `terraform init` of this run finds it, as a registry's mirror would hold it."""
    for registry in ("registry.terraform.io", "registry.opentofu.org"):
        directory = home / "plugins" / registry / "orgmirror" / "orgmirror" / version / platform
        directory.mkdir(parents=True)
        place = directory / f"terraform-provider-orgmirror_v{version}"
        try:
            os.link(binary, place)
        except OSError:
            shutil.copy2(binary, place)


# What is checked


def expect(condition, claim, evidence=""):
    if not condition:
        raise Unexpected(f"this does not hold: {claim}\n{evidence}")
    right(claim)


def changes(plan):
    """The changes of managed resources in a plan, by address."""
    return {
        change["address"]: change["change"]
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    }


def only_change(plan):
    """The one change of a managed resource in a plan."""
    found = changes(plan)
    if list(found) != [INTEGRATION]:
        actions = {address: change["actions"] for address, change in found.items()}
        raise Unexpected(f"the plan should change {INTEGRATION} and nothing else, but has {actions}")
    return found[INTEGRATION]


def unknown(value, path=""):
    """Paths of what a plan does not know yet."""
    if value is True:
        return [path]
    if isinstance(value, dict):
        return [found for key, below in value.items() for found in unknown(below, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [found for index, below in enumerate(value) for found in unknown(below, f"{path}[{index}]")]
    return []


def difference(before, after):
    """What a plan changes: for each folder and connection CREATED, REMOVED or its attributes, old and new."""
    found = {}
    for kind in ("folders", "connections"):
        old, new = before[kind], after[kind]
        for key in old.keys() | new.keys():
            if key not in old:
                found[kind, key] = CREATED
            elif key not in new:
                found[kind, key] = REMOVED
            elif old[key] != new[key]:
                found[kind, key] = {
                    name: (old[key].get(name), new[key].get(name))
                    for name in old[key].keys() | new[key].keys()
                    if old[key].get(name) != new[key].get(name)
                }
    for name in before.keys() | after.keys():
        if name not in ("folders", "connections") and before.get(name) != after.get(name):
            found["integration", name] = (before.get(name), after.get(name))
    return found


CREATED, REMOVED = "created", "removed"


def readable(found):
    return "\n".join(sorted(f"  {kind} {key}: {what}" for (kind, key), what in found.items()))


def mirrored(state):
    """The integration in a state."""
    for resource in state.get("values", {}).get("root_module", {}).get("resources", []):
        if resource["address"] == INTEGRATION:
            return resource["values"]
    raise Unexpected(f"{INTEGRATION} is not in the state")


def draw(integration):
    """The mirrored tree, as text."""
    folders, connections = integration["folders"], integration["connections"]
    rows = []

    def below(folder_id, indent):
        children = sorted(
            ((c["name"].casefold(), key, c, False) for key, c in connections.items() if c["folder_id"] == folder_id),
            key=lambda child: child[:2],
        ) + sorted(
            ((f["name"].casefold(), key, f, True) for key, f in folders.items() if f["parent_id"] == folder_id),
            key=lambda child: child[:2],
        )
        for index, (_, key, child, is_folder) in enumerate(children):
            last = index == len(children) - 1
            name = child["name"] + ("/" if is_folder else "")
            state = "" if is_folder or child["state"] == "ACTIVE" else child["state"]
            rows.append((indent + ("└── " if last else "├── ") + name, child["derived_handle"], "" if is_folder else key, state))
            if is_folder:
                below(key, indent + ("    " if last else "│   "))

    roots = [key for key, folder in folders.items() if folder["parent_id"] is None]
    for root in roots:
        rows.append((f"{folders[root]['name']}/", folders[root]["derived_handle"], "", ""))
        below(root, "")
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    return "\n".join(
        f"{name:<{first}}  {styled('36', f'{handle:<{second}}')}  {styled('2', f'{key:<12}')}  {styled('33', state)}".rstrip()
        for name, handle, key, state in rows
    )


def left_running(home):
    """Processes that have to do with this run."""
    if Path("/proc/self/cmdline").exists():
        lines = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(entry.parent.name + " " + entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
    else:
        lines = subprocess.run(["ps", "-axo", "pid=,args="], capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if str(home) in line]


# The story


def demo(home, targets):
    step("Build the provider (a debug build: quicker to make, and quick enough to use)")
    if not (build.target_directory() / "debug" / build.NAME).exists():
        narrate(
            f"This is the first time, so cargo compiles everything below it too, most of all the AWS SDK: {FIRST_BUILD}."
            " The next time it takes seconds."
        )
    started = time.monotonic()
    binary, version = set_up(targets), build.version()
    right(f"{binary.name} {version}, {time.monotonic() - started:.0f} s")

    step("Start an emulated AWS (moto) with the organization of a company")
    aws = Emulator(home)
    try:
        story(home, aws, binary, version)
    finally:
        aws.close()


def story(home, aws, binary, version):
    seed = json.loads((EXAMPLE / "organization.json").read_text(encoding="utf-8"))
    organization = aws.do("seed", **seed)
    accounts, units = organization["account_paths"], organization["organizational_units"]
    narrate(
        f"AWS organization {organization['id']}: {len(accounts)} accounts in {len(units) - 1} OUs, 4 levels deep. Names as they"
        " are in life: spaces, accents, the same name twice, one account suspended."
    )
    terraform = Terraform(home)
    offer(binary, version, home, terraform.version["platform"])
    terraform.environment |= {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": organization["credentials"]["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": organization["credentials"]["secret_access_key"],
    }

    step(f"Start with Terraform {terraform.version['terraform_version']} and the configuration in examples/demo")
    quote((EXAMPLE / "main.tf").read_text(encoding="utf-8").partition("provider \"orgmirror\"")[2].join(("provider \"orgmirror\"", "")))
    terraform.run("init")
    right("initialized, with the provider from a mirror on disk")

    step("Plan: discover the organization and show what its mirror would be")
    plan = terraform.run("plan", "-out=first.plan")
    quote(plan.stdout, keep=40)
    planned = changes(terraform.json("first.plan"))
    expect(
        len(planned) == 5 and all(change["actions"] == ["create"] for change in planned.values()),
        "the plan creates the integration, two permissions and two workspaces",
        str(list(planned)),
    )
    not_known = {path for change in planned.values() for path in unknown(change["after_unknown"])}
    expect(
        not_known == {"id", "integration_id"},
        "all of it but IDs is known before anything is done",
        f"unknown: {not_known}",
    )
    expect(not (terraform.directory / ".orgmirror").exists(), "planning wrote nothing to the catalog")

    step("Apply: write the mirror to the catalog")
    terraform.run("apply", "first.plan")
    mirror = mirrored(terraform.json())
    say()
    say(textwrap.indent(draw(mirror), "   "))
    say()
    check_mirror(mirror, organization)
    expect(len(catalog(terraform)) == 1, "the catalog holds the integration")
    no_changes(terraform)

    step("Who sees what, and why: it is in the files that were published for each workspace")
    seen = published(terraform)
    say()
    for workspace, connections in seen.items():
        say(textwrap.indent(explain(workspace, connections), "   "))
        say()
    active = {c["derived_handle"]: c["path"] for c in mirror["connections"].values()}
    expect(set(seen["security"]) == set(active), f"acme/security sees all {len(active)} connections")
    below = {handle for handle, path in active.items() if path.startswith("/Workloads")}
    expect(set(seen["finops"]) == below, f"acme/finops sees the {len(below)} below /Workloads, and no other")

    step("Use one: the AWS CLI with a published profile")
    handle = "aws_payments_api"
    config = terraform.published("finops", "aws_config")
    quote(section(config.read_text(encoding="utf-8"), f"[profile {handle}]"))
    caller = cli(terraform, aws, organization, config, handle)
    quote(json.dumps(caller, indent=4))
    expect(
        caller["Account"] == seen["finops"][handle]["account_id"],
        "the AWS CLI is in the right account, by the role",
        str(caller),
    )

    step("A second apply: the sandbox gets a handle and a region of its own, and FinOps may use it")
    shutil.copy(EXAMPLE / SECOND, terraform.directory)
    quote((EXAMPLE / SECOND).read_text(encoding="utf-8").partition("resource")[2].join(("resource", "")))
    plan = terraform.run("plan", "-out=sandbox.plan")
    quote(plan.stdout)
    said = words(plan.stdout)
    expect("acme/finops: 1 gained" in said, "the plan warns: acme/finops gains a connection", plan.stdout)
    expect("aws_sandbox -> playground" in said, "and acme/security finds one renamed", plan.stdout)
    terraform.run("apply", "sandbox.plan")
    seen = published(terraform)
    say()
    say(textwrap.indent(explain("finops", {"playground": seen["finops"]["playground"]}), "   "))
    say()
    for workspace in WORKSPACES:
        playground = seen[workspace].get("playground", {})
        expect(playground.get("regions") == ["eu-west-1"], f"acme/{workspace} has playground, in eu-west-1 alone", str(playground))
    no_changes(terraform)

    step("Life goes on: the organization changes")
    expected = live(aws, mirror, accounts, units)

    step("Plan: exactly that difference, for review")
    plan = terraform.run("plan", "-out=second.plan")
    terraform.quote_plan("second.plan")
    quote(plan.stdout.partition("Warning:")[2].join(("Warning:", "")))
    change = only_change(terraform.json("second.plan"))
    expect(change["actions"] == ["update"], "the integration is updated in place, nothing is replaced")
    found = difference(change["before"], change["after"])
    expect(
        found == expected,
        f"the plan shows these {len(expected)} changes and no other",
        f"expected:\n{readable(expected)}\nfound:\n{readable(found)}",
    )
    gains = [line for line in plan.stdout.splitlines() if "Connections of acme/finops" in line]
    expect(
        gains and "2 gained, 2 lost, 2 renamed" in gains[0],
        "and warns what acme/finops gains, loses and finds renamed by it",
        plan.stdout,
    )

    step("Apply what was reviewed, although the organization changed again in between")
    late = aws.do("create_account", name="Late Arrival", parent="/Sandbox")["id"]
    narrate(f"Meanwhile somebody adds the account Late Arrival ({late}).")
    terraform.run("apply", "second.plan")
    now = mirrored(terraform.json())
    expect(now == change["after"] | {"id": now["id"]}, "the mirror is what the plan showed, to the letter")
    seen = published(terraform)["finops"]
    expect(
        {"aws_fraud_detection", "aws_globex_acquired"} <= set(seen),
        "the new account and the one that moved are in the files of acme/finops, and nobody touched a permission",
        str(sorted(seen)),
    )
    caller = cli(terraform, aws, organization, config, "aws_fraud_detection")
    expect(caller["Account"] == seen["aws_fraud_detection"]["account_id"], "the AWS CLI reaches the new account", str(caller))
    expect("playground" not in seen, "the sandbox, which was closed, is in them no longer", str(sorted(seen)))
    terraform.run("plan", "-out=third.plan")
    change = only_change(terraform.json("third.plan"))
    expect(
        difference(change["before"], change["after"]) == {("connections", late): CREATED},
        "the late arrival is the next plan's only change",
    )
    terraform.run("apply", "third.plan")
    mirror = mirrored(terraform.json())
    say()
    say(textwrap.indent(draw(mirror), "   "))
    say()
    no_changes(terraform)

    step("A mistake: an exclude that is far too wide")
    workloads = units["/Workloads"]
    would_go = sorted(c["name"] for c in mirror["connections"].values() if c["path"].startswith("/Workloads"))
    narrate(f"Excluding /Workloads would take {len(would_go)} of {len(mirror['connections'])} connections away from everybody.")
    refused = terraform.run("plan", f'-var=exclude_organizational_unit_ids=["{workloads}"]', expect=1)
    quote(refused.stderr)
    said = words(refused.stderr)
    expect("removal_guard" in said, "the removal guard stops the plan and says how to allow it", refused.stderr)
    expect(
        all(name in said for name in would_go), "its error names every connection that would go", refused.stderr
    )
    no_changes(terraform)

    step("Destroy: refused while deletion protection is on")
    refused = terraform.run("destroy", "-auto-approve", expect=1)
    quote(refused.stderr)
    expect("deletion_protection" in words(refused.stderr), "destroying is refused, and the error names the switch", refused.stderr)
    expect(mirrored(terraform.json()) == mirror, "the mirror is as it was")

    step("Destroy: deletion protection off first, then everything goes")
    terraform.run("apply", "-auto-approve", "-var=deletion_protection=false")
    terraform.run("destroy", "-auto-approve", "-var=deletion_protection=false")
    left = terraform.json().get("values", {}).get("root_module", {}).get("resources", [])
    expect(not left, "the state is empty", str(left))
    expect(not catalog(terraform), "the catalog is empty")
    files = [path for path in (terraform.directory / ".orgmirror").rglob("workspaces/**/*") if path.is_file()]
    expect(not files, "nothing is published any more", str(files))


def check_mirror(mirror, organization):
    accounts, units = organization["account_paths"], organization["organizational_units"]
    suspended = accounts["/Mergers 2019/Old Blog"]
    connections = mirror["connections"]
    expect(
        {folder_id: folder["path"] for folder_id, folder in mirror["folders"].items()}
        == {unit_id: path for path, unit_id in units.items()},
        f"{len(units)} folders: one for the root and for every OU",
    )
    expect(
        {account_id: f"{c['path'].rstrip('/')}/{c['name']}" for account_id, c in connections.items()}
        == {account_id: path for path, account_id in accounts.items() if account_id != suspended},
        f"{len(connections)} connections: one for every account but the suspended one",
    )
    handles = [child["derived_handle"] for child in [*connections.values(), *mirror["folders"].values()]]
    expect(len(set(handles)) == len(handles), "every handle is unique")
    first, second = accounts["/Sandbox/José García"], accounts["/Sandbox/jose garcia"]
    expect(
        (connections[first]["derived_handle"], connections[second]["derived_handle"])
        == ("aws_jose_garcia", f"aws_jose_garcia_{second}"),
        "of two names that give the same handle, the account that joined first has it",
    )


def live(aws, mirror, accounts, units):
    """Changes the organization, and says what a plan must show for it."""
    folders, connections = mirror["folders"], mirror["connections"]
    expected = {}

    made = aws.do("create_account", name="Fraud Detection", parent="/Workloads/Prod/Payments", tags={"owner": "payments"})["id"]
    narrate(f"+ Fraud Detection ({made}) is created in /Workloads/Prod/Payments")
    expected["connections", made] = CREATED

    moved = accounts["/Mergers 2019/GlobeX (acquired)"]
    aws.do("move_account", account=moved, parent="/Workloads/Prod")
    narrate("> GlobeX (acquired) moves from /Mergers 2019 to /Workloads/Prod")
    expected["connections", moved] = {
        "folder_id": (units["/Mergers 2019"], units["/Workloads/Prod"]),
        "path": ("/Mergers 2019", "/Workloads/Prod"),
    }

    aws.do("remove_account", account=accounts["/Mergers 2019/Old Blog"])
    aws.do("delete_ou", ou="/Mergers 2019")
    narrate("- Old Blog, suspended and never mirrored, is gone for good, and the OU Mergers 2019, now empty, is deleted")
    expected["folders", units["/Mergers 2019"]] = REMOVED

    renamed = accounts["/Workloads/Prod/Shop/Shop"]
    aws.do("rename_account", account=renamed, name="Shop Frontend")
    narrate("~ Shop (prod) is renamed Shop Frontend")
    expected["connections", renamed] = {
        "name": ("Shop", "Shop Frontend"),
        "derived_handle": ("aws_shop", "aws_shop_frontend"),
    }

    closed = accounts["/Sandbox/sandbox"]
    aws.do("set_account_state", account=closed, state="SUSPENDED")
    narrate("! sandbox is closed: it is SUSPENDED until AWS removes it")
    expected["connections", closed] = {"state": ("ACTIVE", "SUSPENDED")}

    removed = accounts["/Workloads/Prod/Shop/Search"]
    aws.do("remove_account", account=removed)
    narrate("- Search leaves the organization")
    expected["connections", removed] = REMOVED

    aws.do("rename_ou", ou="/Workloads/Non-Prod", name="Staging")
    narrate("~ The OU Non-Prod is renamed Staging: all paths below it change, nothing else does")
    old, new = "/Workloads/Non-Prod", "/Workloads/Staging"
    for kind, objects in (("folders", folders), ("connections", connections)):
        for key, value in objects.items():
            if value["path"] == old or value["path"].startswith(old + "/"):
                expected.setdefault((kind, key), {})["path"] = (value["path"], new + value["path"].removeprefix(old))
    expected["folders", units[old]] |= {
        "name": ("Non-Prod", "Staging"),
        "derived_handle": ("aws_non_prod", "aws_staging"),
    }
    return expected


def published(terraform):
    """What is published for each workspace, by handle."""
    found = {}
    for workspace in WORKSPACES:
        text = terraform.published(workspace, "connections.json").read_text(encoding="utf-8")
        found[workspace] = {connection["handle"]: connection for connection in json.loads(text)["connections"]}
    return found


def explain(workspace, connections):
    """The connections of a workspace, each with its reason."""
    rows = []
    for handle, connection in connections.items():
        reasons = [
            f"{grant['grantee']} was granted {grant['folder']['path'] if grant['folder'] else 'this account'}"
            for grant in connection["granted_by"]
        ]
        rows.append((handle, connection["account_id"], "; ".join(reasons)))
    width = max(len(row[0]) for row in rows)
    lines = [f"  {styled('36', f'{handle:<{width}}')}  {account}  {reason}" for handle, account, reason in rows]
    return "\n".join([styled("1", f"acme/{workspace}"), *lines])


def section(text, title):
    """A section of an AWS configuration file."""
    lines = text.splitlines()
    start = lines.index(title)
    end = next((index for index in range(start + 1, len(lines)) if lines[index].startswith("[")), len(lines))
    return "\n".join(lines[start:end])


def cli(terraform, aws, organization, config, handle):
    """What the real AWS CLI says of who it is with a published profile."""
    keys = organization["credentials"]
    home = Path(terraform.environment["HOME"])
    credentials = home / ".aws" / "credentials"
    credentials.parent.mkdir(exist_ok=True)
    credentials.write_text(
        f"[default]\naws_access_key_id = {keys['access_key_id']}\naws_secret_access_key = {keys['secret_access_key']}\n"
    )
    command = ["aws", "--profile", handle, "sts", "get-caller-identity", "--output", "json"]
    say(f"   {styled('2', f'$ AWS_CONFIG_FILE={config.relative_to(terraform.directory)} ' + ' '.join(command))}")
    done = subprocess.run(
        [PYTHON, "-I", "-m", "awscli", *command[1:]],
        cwd=terraform.directory,
        env=without_settings(
            HOME=str(home),
            AWS_CONFIG_FILE=str(config),
            AWS_ENDPOINT_URL=aws.url,
            AWS_EC2_METADATA_DISABLED="true",
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Unexpected(f"the AWS CLI failed:\n{done.stderr}")
    return json.loads(done.stdout)


def no_changes(terraform):
    terraform.run("plan", "-detailed-exitcode")
    right("another plan: no changes")


def catalog(terraform):
    """The integrations in the catalog on disk."""
    document = terraform.directory / ".orgmirror" / "tenants" / "acme" / "catalog.json"
    if not document.exists():
        return {}
    return json.loads(document.read_text(encoding="utf-8"))["integrations"]


def words(diagnostic):
    """A diagnostic without Terraform's frame and line breaks."""
    return " ".join(diagnostic.replace("│", " ").split())


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    # Ends the way Ctrl-C does: through the clean-up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    targets = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    started = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="orgmirror-demo-")).resolve()
    try:
        demo(home, targets)
        # The last provider process is on its way out when Terraform has ended.
        deadline = time.monotonic() + 5
        while left_running(home) and time.monotonic() < deadline:
            time.sleep(0.1)
        step("Nothing is left behind")
        expect(not left_running(home), "no process is left running", "\n".join(left_running(home)))
    except Unexpected as error:
        say()
        say(styled("31", "NOT AS EXPECTED") + f"  in step {Steps.number}")
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("\ninterrupted")
        return 130
    finally:
        shutil.rmtree(home, ignore_errors=True)
    expect(not home.exists(), "no file is left on disk")
    say()
    say(styled("1", f"Everything went as expected, in {time.monotonic() - started:.0f} s."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
