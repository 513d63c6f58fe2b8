#!/usr/bin/env python3
"""Runs the tests, all of them whatever fails, and says at the end what failed and how to run that alone.

    scripts/test.py TERRAFORM...

Everything runs with the first Terraform, and what depends on the client again with each other one. Empty arguments do
not count. `make test` calls it.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO_TEST = ["cargo", "test", "--locked", "--no-fail-fast"]
# The target that runs again with each other client, and the tests of it that do not depend on the client.
CLIENT = "--test=acceptance"
ANY_CLIENT = []

RUNNING = re.compile(r"^\s+Running (?:unittests )?(\S+) \(.*\)$")
DOC_TESTS = re.compile(r"^\s+Doc-tests (\S+)$")
TEST = re.compile(r"^test (.+) \.\.\. (ok|FAILED|ignored)")
RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")


class Part:
    """A run of `cargo test`."""

    def __init__(self, name, arguments, filters=(), terraform=None):
        self.name = name
        self.arguments = arguments
        self.filters = list(filters)
        self.terraform = terraform
        self.passed = self.failed = self.ignored = 0
        self.seconds = 0.0
        # What failed, and the command that runs it alone.
        self.failures = []
        # The target that runs, and the failures among its tests so far; none between targets.
        self.target = None
        self.names = []

    def run(self):
        command = [*CARGO_TEST, *self.arguments]
        if self.filters:
            command += ["--", *self.filters]
        print(f"==> {self.name}: {shlex.join(command)}", flush=True)
        started = time.monotonic()
        environment = dict(os.environ)
        if self.terraform:
            environment["ORGMIRROR_TERRAFORM"] = self.terraform
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            self.read(line.rstrip("\n"))
        status = process.wait()
        self.end_target()
        self.seconds = time.monotonic() - started
        if status != 0 and not self.failures:
            self.fail("cargo test itself: its message is above", shlex.join(command))

    def read(self, line):
        if found := RUNNING.match(line):
            self.end_target()
            self.target = target_of(found[1])
        elif DOC_TESTS.match(line):
            self.end_target()
            self.target = ["--doc"]
        elif (found := TEST.match(line)) and found[2] == "FAILED":
            self.names.append(found[1])
        elif found := RESULT.match(line):
            passed, failed, ignored = map(int, found.groups())
            self.passed += passed
            self.ignored += ignored
            for name in self.names:
                self.fail(f"{self.title()} {name}", self.alone(name))
            for _ in range(failed - len(self.names)):
                self.fail(f"{self.title()}: a test whose line was not understood", self.alone())
            self.names, self.target = [], None

    def end_target(self):
        """Called when another target begins, or nothing more comes: one that gave no result has failed."""
        if self.target:
            self.fail(f"{self.title()} ended without a result", self.alone())
        self.names, self.target = [], None

    def fail(self, what, command):
        self.failed += 1
        self.failures.append((what, command))

    def title(self):
        return self.target[-1].removeprefix("--").removeprefix("test=")

    def alone(self, name=None):
        command = ["cargo", "test", "--locked", *self.target]
        if name:
            command += ["--", "--exact", name.removesuffix(" - should panic")]
        setting = f"ORGMIRROR_TERRAFORM={shlex.quote(self.terraform)} " if self.terraform else ""
        return setting + shlex.join(command)


def target_of(source):
    """What chooses the target that is built from this file."""
    if source == "src/lib.rs":
        return ["--lib"]
    if source == "src/main.rs":
        return ["--bins"]
    return [f"--test={Path(source).stem}"]


def version(terraform):
    """Name and version of a client, as it says them."""
    try:
        done = subprocess.run([terraform, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"test.py: {terraform} cannot be started: {error.strerror}")
    first = done.stdout.partition("\n")[0]
    if done.returncode != 0 or not first:
        sys.exit(f"test.py: {terraform} is not Terraform or OpenTofu, or does not work:\n{done.stderr}")
    return first


def parts(terraforms):
    first, *others = terraforms
    skipped = [word for name in ANY_CLIENT for word in ("--skip", name)]
    return [Part(f"all tests, {version(first)}", [], terraform=first)] + [
        Part(f"acceptance tests, {version(other)}", [CLIENT], filters=skipped, terraform=other) for other in others
    ]


def duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    terraforms = [argument for argument in sys.argv[1:] if argument]
    if not terraforms:
        sys.exit(__doc__)
    runs = parts(terraforms)
    for run in runs:
        run.run()
    print()
    for run in runs:
        print(f"==> {run.name}: {run.passed} passed, {run.failed} failed, in {duration(run.seconds)}")
    failures = [(run, what, command) for run in runs for what, command in run.failures]
    if failures:
        print("\n==> What failed, and how to run it alone:")
    for run, what, command in failures:
        print(f"    {what}  ({run.name})\n        {command}")
    passed, failed, ignored = (sum(getattr(run, of) for run in runs) for of in ("passed", "failed", "ignored"))
    if passed == failed == 0:
        print("\n==> No test ran.")
        failed = 1
    print(f"\n{passed} passed, {failed} failed" + (f", {ignored} skipped" if ignored else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
