#!/usr/bin/env python3
"""Runs the tests, all of them whatever fails, and says at the end what failed and how to run that alone.

    scripts/test.py TERRAFORM...

Everything runs with the first Terraform, and what depends on the client again with each other one. Empty arguments do
not count. Two targets run at a time, because tests wait as well as compute; each line says whose it is. `make test`
calls it.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from environment import without_settings

ROOT = Path(__file__).resolve().parent.parent
CARGO_TEST = ["cargo", "test", "--locked"]
AT_ONCE = 2
# The target that runs with each client.
CLIENT = "acceptance"
# Its modules that look at what is behind the provider's door: AWS, its errors, catalogs in S3, large organizations.
# Which client knocks makes no difference to them; what a client makes of plans, errors and warnings is in the others.
ANY_CLIENT = ["connection_test::", "discovery_errors::", "key_age::", "resource_explorer::", "s3_catalog::", "scale::"]
# These take longest, so they begin first.
LONGEST = [CLIENT, "catalog", "discovery", "s3", "consumers"]

TEST = re.compile(r"^test (.+) \.\.\. (ok|FAILED|ignored)")
RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")

printing = threading.Lock()


def say(text=""):
    with printing:
        print(text, flush=True)


class Part:
    """A target of `cargo test`, run once."""

    def __init__(self, target, terraform, client="", filters=()):
        self.name = f"{target} on {client}" if target == CLIENT else target
        self.terraform = terraform
        # Of all packages.
        self.chosen = ["--workspace", f"--{target}" if target in ("lib", "bins", "doc") else f"--test={target}"]
        self.filters = list(filters)
        self.passed = self.failed = self.ignored = 0
        self.seconds = 0.0
        # What failed, and the command that runs it alone.
        self.failures = []
        self.names = []
        self.has_result = False

    def run(self):
        command = [*CARGO_TEST, *self.chosen]
        if self.filters:
            command += ["--", *self.filters]
        say(f"==> {self.name}: {shlex.join(command)}")
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"ORGMIRROR_TERRAFORM": self.terraform},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        for line in process.stdout:
            line = line.rstrip("\n")
            say(f"{self.name} | {line}")
            self.read(line)
        status = process.wait()
        for name in self.names:
            self.fail(f"{self.name}: {name}", self.alone(name))
        if not self.has_result:
            self.fail(f"{self.name} ended without a result", self.alone())
        elif status != 0 and not self.failures:
            self.fail(f"{self.name} ended with exit code {status}", self.alone())
        self.seconds = time.monotonic() - started

    def read(self, line):
        if (found := TEST.match(line)) and found[2] == "FAILED":
            self.names.append(found[1])
        elif found := RESULT.match(line):
            # One for each binary, of which there may be several.
            self.passed += int(found[1])
            self.ignored += int(found[3])
            self.has_result = True

    def fail(self, what, command):
        self.failed += 1
        self.failures.append((what, command))

    def alone(self, name=None):
        command = [*CARGO_TEST, *self.chosen]
        if name:
            command += ["--", "--exact", name.removesuffix(" - should panic")]
        return f"ORGMIRROR_TERRAFORM={shlex.quote(self.terraform)} {shlex.join(command)}"


def version(terraform):
    """Name and version of a client, as it says them."""
    try:
        done = subprocess.run(
            [terraform, "version"],
            cwd=ROOT,
            env=without_settings(CHECKPOINT_DISABLE="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        sys.exit(f"test.py: {terraform} cannot be started: {error.strerror}")
    first = done.stdout.partition("\n")[0]
    if done.returncode != 0 or not first:
        sys.exit(f"test.py: {terraform} is not Terraform or OpenTofu, or does not work:\n{done.stderr}")
    return first


def targets():
    """Every target that has tests, those that take longest first."""
    asked = [*CARGO_TEST[:1], "metadata", "--locked", "--no-deps", "--format-version=1"]
    done = subprocess.run(asked, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("test.py: cargo metadata failed: what it said is above")
    packages = json.loads(done.stdout)["packages"]
    tests = [target["name"] for package in packages for target in package["targets"] if "test" in target["kind"]]
    tests.sort(key=lambda name: (LONGEST.index(name) if name in LONGEST else len(LONGEST), name))
    return [*tests, "lib", "bins", "doc"]


def parts(terraforms):
    first, *others = terraforms
    skipped = [word for name in ANY_CLIENT for word in ("--skip", name)]
    clients = [Part(CLIENT, other, version(other), skipped) for other in others]
    found = [Part(target, first, version(first)) for target in targets()]
    return found[:1] + clients + found[1:]


def run_all(runs):
    """Runs all parts, a few at a time."""
    waiting = deque(runs)

    def work():
        while waiting:
            try:
                part = waiting.popleft()
            except IndexError:
                return
            part.run()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    terraforms = [argument for argument in sys.argv[1:] if argument]
    if not terraforms:
        sys.exit(__doc__)
    started = time.monotonic()
    runs = parts(terraforms)
    command = [*CARGO_TEST, "--workspace", "--no-run"]
    say(f"==> build: {shlex.join(command)}")
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode != 0:
        say("\n==> The tests do not build: what cargo said is above.\n\n0 passed, 1 failed")
        return 1
    built = time.monotonic()
    run_all(runs)
    say()
    for run in runs:
        say(f"==> {run.name}: {run.passed} passed, {run.failed} failed, in {duration(run.seconds)}")
    say(f"==> built in {duration(built - started)}, run in {duration(time.monotonic() - built)}")
    failures = [failure for run in runs for failure in run.failures]
    if failures:
        say("\n==> What failed, and how to run it alone:")
    for what, command in failures:
        say(f"    {what}\n        {command}")
    passed, failed, ignored = (sum(getattr(run, of) for run in runs) for of in ("passed", "failed", "ignored"))
    if passed == failed == 0:
        say("\n==> No test ran.")
        failed = 1
    say(f"\n{passed} passed, {failed} failed" + (f", {ignored} skipped" if ignored else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
