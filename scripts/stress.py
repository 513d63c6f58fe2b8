#!/usr/bin/env python3
"""Proves that neither the speed of the machine nor the settings of its user matter: `make stress`.

    busy      the whole suite (`make test`) with busy loops beside it
    repeat    the tests that once depended on timing, again and again, with busy loops beside them
    hostile   `make demo` and `make test`, with settings in the environment and in the home that would break them

Takes hours. The output of each run goes to a file in target/stress. The exit code is 0 only if every run went well.
Needs what `make test` needs, set up; `make stress` sees to that.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "stress"
PARTS = ("busy", "repeat", "hostile")

# Tests that once failed on a busy machine, or could have: cargo's target, and what their names contain. A test that once
# depended on timing belongs here; a line that matches no test is an error.
ONCE_TIMED = [
    ("--lib", "aws::calls::"),
    ("--lib", "catalog::commit::"),
    ("--lib", "catalog::publishing::"),
    ("--lib", "plugin::lifetime::"),
    ("--test=acceptance", "catalog::an_apply_that_waits_for_the_lock_ends_with_ctrl_c"),
    ("--test=acceptance", "connection_test::each_of_a_thousand_connections_has_its_verdict"),
    ("--test=acceptance", "discovery_errors::a_reading_that_takes_too_long_is_an_error_that_names_the_timeout"),
    ("--test=acceptance", "discovery_errors::an_endpoint_that_nobody_answers_at_is_named"),
    ("--test=acceptance", "discovery_errors::throttling_within_the_limits_is_waited_out"),
    ("--test=acceptance", "resource_explorer::an_account_that_does_not_answer_in_time_does_not_hold_up_the_plan"),
    ("--test=acceptance", "resource_explorer::many_accounts_are_asked_at_once_and_throttling_only_slows"),
    ("--test=acceptance", "s3_catalog::eight_processes_at_once_lose_nothing_in_s3"),
    ("--test=catalog", "commits::"),
    ("--test=catalog", "kills::"),
    ("--test=catalog", "lock::"),
    ("--test=catalog", "many_permissions_at_once_are_few_versions_and_are_all_published"),
    ("--test=catalog", "stops::"),
    ("--test=discovery", "connection_test::"),
    ("--test=discovery", "consistency::"),
    ("--test=discovery", "credentials::"),
    ("--test=discovery", "failures::"),
    ("--test=discovery", "key_age::"),
    ("--test=discovery", "readiness::"),
    ("--test=discovery", "reading::"),
    ("--test=discovery", "tags::"),
    ("--test=s3", "errors::"),
    ("--test=s3", "races::"),
    ("--test=wire", "clients::"),
    ("--test=wire", "lifetime::"),
    ("--test=wire", "provider::an_apply_"),
    ("--test=wire", "services::"),
]

# A busy loop. It ends by itself if this script is gone without having ended it.
LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    for _ in range(10**6):\n        pass\n"


def hostile(place, proxy):
    """An environment that must not matter. `place` is a directory for its files, `proxy` the URL of a proxy that is down."""
    nowhere = str(place / "nowhere")
    python = place / "python"
    python.mkdir()
    (python / "json.py").write_text('raise ImportError("this json.py is in PYTHONPATH")\n')
    (python / "sitecustomize.py").write_text('import os\nos.write(2, b"this sitecustomize.py is in PYTHONPATH\\n")\nos._exit(97)\n')
    home = place / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(
        "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\nregion = nowhere-1\n"
        f"endpoint_url = {proxy}\nca_bundle = {nowhere}\n"
    )
    (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = nothing\n")
    (home / ".terraformrc").write_text("neither { HCL nor a setting\n")
    (home / ".gitconfig").write_text("[neither git's nor a setting\n")
    values = {
        "ALL_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "all_proxy": proxy,
        "http_proxy": proxy,
        "https_proxy": proxy,
        "AWS_ACCESS_KEY_ID": "AKIANOBODY",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_SESSION_TOKEN": "nothing",
        "AWS_CA_BUNDLE": nowhere,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{proxy}/credentials",
        "AWS_DEFAULT_OUTPUT": "nonsense",
        "AWS_DEFAULT_REGION": "nowhere-1",
        "AWS_ENDPOINT_URL": proxy,
        "AWS_ENDPOINT_URL_S3": proxy,
        "AWS_ENDPOINT_URL_STS": proxy,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PROFILE": "nonsense",
        "AWS_REGION": "nowhere-1",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_WEB_IDENTITY_TOKEN_FILE": nowhere,
        "CDPATH": "/:/tmp",
        "GIT_CONFIG_GLOBAL": nowhere,
        "GIT_DIR": nowhere,
        "GIT_WORK_TREE": nowhere,
        "LANG": "C",
        "LC_ALL": "C",
        "MOTO_ACCOUNT_ID": "999999999999",
        "ORGMIRROR_CATALOG": nowhere,
        "ORGMIRROR_TENANT": "nobody",
        "PLUGIN_UNIX_SOCKET_DIR": nowhere,
        "PYTHONHOME": nowhere,
        "PYTHONPATH": str(python),
        "REQUESTS_CA_BUNDLE": nowhere,
        "SSL_CERT_FILE": nowhere,
        "TF_CLI_ARGS": "-nonsense",
        "TF_CLI_ARGS_plan": "-destroy",
        "TF_CLI_CONFIG_FILE": nowhere,
        "TF_DATA_DIR": nowhere,
        "TF_LOG": "trace",
        "TF_LOG_PATH": str(place / "terraform.log"),
        "TF_PLUGIN_CACHE_DIR": nowhere,
        "TF_REATTACH_PROVIDERS": "nonsense",
        "TF_VAR_tenant": "nobody",
        "TF_WORKSPACE": "nowhere",
        "USER": "no body",
        "LOGNAME": "no body",
    }
    # What builds keeps its own; all else that looks into the home finds this one.
    real = Path.home()
    tools = {
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(real / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real / ".rustup")),
    }
    return os.environ | values | tools | {"HOME": str(home)}


class Runs:
    """What was run, and how it went."""

    def __init__(self):
        self.rows = []
        shutil.rmtree(LOGS, ignore_errors=True)
        LOGS.mkdir(parents=True)

    def run(self, title, command, **settings):
        """Runs a command to its end; gives its output, or none where it failed."""
        log = LOGS / f"{len(self.rows) + 1:03}.log"
        print(f"==> {title}: {' '.join(command)} > {log.relative_to(ROOT)}", flush=True)
        started = time.monotonic()
        code = call(command, log, **settings)
        took = time.monotonic() - started
        output = log.read_text(encoding="utf-8", errors="replace")
        passed, failed = counted(output)
        self.rows.append((title, code, took, passed, failed))
        if code != 0:
            print(output[-4000:], flush=True)
        print(f"    exit code {code}, {took:.0f} s, {passed} tests passed, {failed} failed", flush=True)
        return output if code == 0 else None

    def summary(self):
        """Prints how each went; whether all went well."""
        print(f"\n{'exit code':>9} {'seconds':>8} {'passed':>7} {'failed':>7}  run")
        for title, code, took, passed, failed in self.rows:
            print(f"{code:>9} {took:>8.0f} {passed:>7} {failed:>7}  {title}")
        return all(code == 0 for _, code, *_ in self.rows)


def call(command, log, **settings):
    """The exit code of a command. It and what it starts are interrupted when this script is."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **settings,
        )
        try:
            return process.wait()
        except BaseException:
            # A group of its own, which nobody else is in.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait()
            raise


def counted(output):
    """How many tests passed and failed, by what the test binaries say."""
    found = re.findall(r"^(?:.+ \| )?test result: \w+\. (\d+) passed; (\d+) failed;", output, re.MULTILINE)
    return sum(int(passed) for passed, _ in found), sum(int(failed) for _, failed in found)


@contextlib.contextmanager
def busy(count):
    """So many busy loops, each ended by its own ID."""
    loops = []
    try:
        for _ in range(count):
            # Not in the terminal's group: Ctrl-C is for this script, which then ends them.
            loops.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", LOOP], start_new_session=True))
        print(f"==> {count} busy loops on {os.cpu_count()} processors", flush=True)
        yield
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def tests_of_table():
    """The names of the tests in the table, by cargo's target."""
    found, missing = {}, []
    for target in dict.fromkeys(target for target, _ in ONCE_TIMED):
        listed = subprocess.run(
            ["cargo", "test", "--locked", "--workspace", "--quiet", target, "--", "--list", "--format=terse"],
            cwd=ROOT,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        names = re.findall(r"^(.+): test$", listed, re.MULTILINE)
        for _, part in (line for line in ONCE_TIMED if line[0] == target):
            matching = [name for name in names if part in name]
            if not matching:
                missing.append(f"{target} {part}")
            found.setdefault(target, []).extend(matching)
    if missing:
        sys.exit("no test matches these lines of the table in scripts/stress.py:\n  " + "\n  ".join(missing))
    return {target: sorted(set(names)) for target, names in found.items()}


def refused():
    """A port of loopback where nobody listens, held as long as this socket is."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held


def main():
    # Ends the way Ctrl-C does: through the clean-up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given again")
    parser.add_argument("--repeat", type=int, default=2, metavar="N", help="runs of the whole suite; default 2")
    parser.add_argument("--times", type=int, default=20, metavar="N", help="runs of the tests in the table; default 20")
    parser.add_argument("--loops", type=int, default=2 * os.cpu_count(), metavar="N", help="default: two a processor")
    arguments = parser.parse_args()
    parts = arguments.only or PARTS
    runs = Runs()
    try:
        # Everything is built before the clock runs, and before a proxy that is down could be asked for it.
        if runs.run("build", ["cargo", "test", "--locked", "--workspace", "--no-run"]) is None:
            return 1
        table = tests_of_table()
        if "busy" in parts or "repeat" in parts:
            with busy(arguments.loops):
                for number in range(arguments.repeat if "busy" in parts else 0):
                    runs.run(f"the whole suite, busy, {number + 1} of {arguments.repeat}", ["make", "test"])
                for number in range(arguments.times if "repeat" in parts else 0):
                    for target, names in table.items():
                        title = f"{len(names)} tests once timed of {target}, busy, {number + 1} of {arguments.times}"
                        runs.run(title, ["cargo", "test", "--locked", "--workspace", target, "--", "--exact", *names])
        if "hostile" in parts:
            with tempfile.TemporaryDirectory(prefix="orgmirror-stress-") as place, refused() as proxy:
                environment = hostile(Path(place), "http://{}:{}".format(*proxy.getsockname()))
                for target in ("demo", "test"):
                    runs.run(f"make {target}, hostile settings", ["make", target], env=environment, umask=0o077)
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
        runs.summary()
        return 130
    if not runs.summary():
        print("\nNOT AS EXPECTED: see above, and target/stress.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
