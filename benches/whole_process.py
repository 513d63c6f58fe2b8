#!/usr/bin/env python3
"""What a user waits for: real Terraform with the provider, for many hand-written accounts.

    cargo build --release
    benches/whole_process.py [--accounts 10000] [--workspaces 0] [--permissions 0] [--parallelism 10]
                             [--provider PATH] [--terraform PATH]

Plans, applies, plans again (no changes) and destroys an integration, with as many workspaces that see everything, in
every format, and permissions of single folders, all of which get another grantee before the end. Prints for each step
the wall time, the time on the processors, the peak memory of Terraform and of the provider, each by itself, and how
many versions of the catalog's document were written. Needs Linux for the memory: it reads /proc while they run. No AWS,
nothing but the standard library, nothing left behind.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from environment import without_settings

NAME = "terraform-provider-orgmirror"
PAUSE = 0.005
TICKS = os.sysconf("SC_CLK_TCK")


def configuration(accounts, workspaces, permissions, grantee):
    """50 accounts an OU, five levels deep; some names twice. `grantee` gives that of a permission by its number."""
    units = max(5, -(-accounts // 50))

    def unit(number):
        return f"ou-ab12-{number:08}"

    publish = {
        "aws_config": {"source_profile": "hub"},
        "steampipe": {"aggregators": True},
        "c7n_org": {},
        "iam_policy": {},
        "json": {},
    }
    consumers = {
        "orgmirror_workspace": {
            f"bench_{number}": {"organization": "bench", "handle": f"team-{number}", "publish": publish}
            for number in range(workspaces)
        },
        "orgmirror_folder_permission": {
            f"bench_{number}": {
                "integration_id": "${orgmirror_integration.bench.id}",
                "folder_id": unit(number % units),
                "grantee": grantee(number),
            }
            for number in range(permissions)
        },
    }
    return {
        "terraform": {"required_providers": {"orgmirror": {"source": "orgmirror/orgmirror"}}},
        "provider": {"orgmirror": {"tenant": "bench"}},
        "resource": {name: resources for name, resources in consumers.items() if resources}
        | {
            "orgmirror_integration": {
                "bench": {
                    "handle": "bench",
                    "handle_prefix": "aws_",
                    "deletion_protection": False,
                    "permissions": ["bench"],
                    "connection_settings": {"role_name": "orgmirror-readonly"},
                    "aws_organization": {
                        "root_id": "r-ab12",
                        "organizational_units": {
                            unit(number): {
                                "name": f"Team {number % 97}",
                                "parent_id": unit(number - 1) if number % 5 else "r-ab12",
                            }
                            for number in range(units)
                        },
                        "accounts": {
                            f"{100_000_000_000 + number}": {
                                "name": f"Team {number % 200} account {number - number % 10 % 9}",
                                "email": f"aws+{number}@acme.example",
                                "parent_id": unit(number % units),
                                "joined_at": f"20{10 + number % 15}-0{1 + number % 9}-01T00:00:00Z",
                                "tags": {"owner": f"team-{number % 200}", "env": "prod"},
                            }
                            for number in range(accounts)
                        },
                    },
                }
            }
        },
    }


class Processes:
    """Terraform and the providers it starts, watched through /proc."""

    def __init__(self, terraform):
        self.terraform = terraform
        self.has_proc = Path("/proc/self/status").exists()
        self.peak = {"terraform": 0, "provider": 0}
        self.provider_ticks = {}

    def look(self):
        if not self.has_proc:
            return
        self.note("terraform", self.terraform)
        for entry in os.listdir("/proc"):
            if entry.isdigit() and self.parent(entry) == self.terraform:
                self.note("provider", int(entry))

    def parent(self, pid):
        """The process that started this one, if this one is a provider."""
        try:
            name, _, fields = Path(f"/proc/{pid}/stat").read_text().partition(" (")[2].rpartition(") ")
        except OSError:
            return None
        # The kernel keeps 15 characters of a name.
        return int(fields.split()[1]) if NAME.startswith(name) else None

    def note(self, who, pid):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.peak[who] = max(self.peak[who], int(line.split()[1]) * 1024)
        if who == "provider":
            self.provider_ticks[pid] = int(stat[11]) + int(stat[12])


def measure(step, command, directory, environment, expect):
    log = directory / "output.txt"
    with log.open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        processes = Processes(process.pid)
        while True:
            processes.look()
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(PAUSE)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expect:
        sys.exit(f"{' '.join(command)} exited {process.returncode}, not {expect}:\n{log.read_text()[-4000:]}")
    return {
        "step": step,
        "wall": wall,
        # Of Terraform and of the providers, which Terraform waits for.
        "cpu": usage.ru_utime + usage.ru_stime,
        "provider_cpu": sum(processes.provider_ticks.values()) / TICKS,
        **processes.peak,
    }


def mib(count):
    return f"{count / 2**20:.0f}" if count else "-"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--workspaces", type=int, default=0)
    parser.add_argument("--permissions", type=int, default=0)
    parser.add_argument("--parallelism", type=int, default=10)
    parser.add_argument("--provider", type=Path, default=ROOT / "target" / "release" / NAME)
    parser.add_argument("--terraform", default=os.environ.get("ORGMIRROR_TERRAFORM", "terraform"))
    arguments = parser.parse_args()
    provider = arguments.provider.resolve()
    if provider.name != NAME or not provider.exists():
        sys.exit(f"{provider} is not there: cargo build --release")
    if not shutil.which(arguments.terraform):
        sys.exit(f"{arguments.terraform} is not there: install Terraform, or name it with --terraform")
    with tempfile.TemporaryDirectory(prefix="orgmirror-bench-") as home:
        home = Path(home)
        directory = home / "configuration"
        directory.mkdir()
        sizes = (arguments.accounts, arguments.workspaces, arguments.permissions)

        def configure(grantee):
            (directory / "main.tf.json").write_text(json.dumps(configuration(*sizes, grantee)))

        configure(lambda number: f"other/team-{number}")
        document = directory / ".orgmirror/tenants/bench/catalog.json"
        written = 0
        settings = home / "terraform.rc"
        settings.write_text(
            f'provider_installation {{\n  dev_overrides {{\n    "orgmirror/orgmirror" = "{provider.parent}"\n  }}\n}}\n'
        )
        environment = without_settings(
            HOME=str(home),
            TF_CLI_CONFIG_FILE=str(settings),
            TF_CLI_ARGS="-no-color",
            TF_INPUT="0",
            CHECKPOINT_DISABLE="1",
        )
        terraform = arguments.terraform
        rows = []
        parallelism = f"-parallelism={arguments.parallelism}"
        changing = ("change of all permissions", ["apply", "-auto-approve", parallelism], 0)
        for step, command, expect in (
            ("plan", ["plan", "-out=bench.plan"], 0),
            ("apply of that plan", ["apply", parallelism, "bench.plan"], 0),
            ("plan, no changes", ["plan", "-detailed-exitcode"], 0),
            *([changing] if arguments.permissions else []),
            ("destroy", ["destroy", "-auto-approve", parallelism], 0),
        ):
            if step == changing[0]:
                # To workspaces that there are, so that the plans have to look what reaches them.
                configure(lambda number: f"bench/team-{number % max(1, arguments.workspaces)}")
            row = measure(step, [terraform, *command], directory, environment, expect)
            before = written
            if document.exists():
                written = json.loads(document.read_text())["version"]
            rows.append(row | {"versions": written - before})
            if step == "apply of that plan":
                state_size = (directory / "terraform.tfstate").stat().st_size
                document_size = document.stat().st_size
        version = json.loads(
            subprocess.run(
                [terraform, "version", "-json"], env=environment, cwd=home, check=True, capture_output=True
            ).stdout
        )["terraform_version"]
    print(
        f"{arguments.accounts} accounts, {arguments.workspaces} workspaces, {arguments.permissions} permissions, Terraform {version}, {os.cpu_count()} processors"
    )
    print(f"state {state_size / 1e6:.1f} MB, catalog {document_size / 1e6:.1f} MB, parallelism {arguments.parallelism}\n")
    print(
        "| step | wall, s | user + sys, s | of it the provider, s | Terraform's peak, MiB | the provider's peak, MiB | versions written |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row['step']} | {row['wall']:.1f} | {row['cpu']:.1f} | {row['provider_cpu']:.1f} | {mib(row['terraform'])}"
            f" | {mib(row['provider'])} | {row['versions']} |"
        )


if __name__ == "__main__":
    main()
