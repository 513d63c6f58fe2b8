//! The commands of the Makefile on machines that are not like ours: what is missing is named with what helps, the first
//! error ends a command, and one failure hides nothing.
//!
//! Programs that would take minutes are stood in for by scripts of a few lines on a PATH of the test's own.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What the Makefile and the scripts call that is on every machine.
const EVERYWHERE: [&str; 23] = [
    "awk", "basename", "bash", "cat", "chmod", "cp", "cut", "df", "dirname", "env", "git", "head",
    "ls", "make", "mkdir", "mktemp", "mv", "rm", "sed", "sh", "touch", "tr", "uname",
];

/// A machine with a checkout and programs of its own.
struct Machine {
    directory: TempDir,
}

impl Machine {
    /// It has what is everywhere, and the Python of the tests as `python3`.
    fn new() -> Self {
        let machine = Self {
            directory: TempDir::new().unwrap(),
        };
        for path in ["programs", "home"] {
            fs::create_dir(machine.directory.path().join(path)).unwrap();
        }
        for name in EVERYWHERE {
            machine.link(name, &found(name));
        }
        machine.link("python3", &python());
        // Its name has a blank, quotes of both kinds, and a letter that is not ASCII.
        let checkout = machine.checkout();
        fs::create_dir(&checkout).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for path in ["Makefile", "Cargo.toml"] {
            fs::copy(root.join(path), checkout.join(path)).unwrap();
        }
        for path in ["scripts", "tests"] {
            fs::create_dir(checkout.join(path)).unwrap();
            for file in fs::read_dir(root.join(path)).unwrap() {
                let file = file.unwrap();
                if file.file_type().unwrap().is_file() {
                    fs::copy(file.path(), checkout.join(path).join(file.file_name())).unwrap();
                }
            }
        }
        machine
    }

    fn checkout(&self) -> PathBuf {
        self.directory.path().join("it's a \"chéckout\"")
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    fn link(&self, name: &str, program: &Path) {
        symlink(program, self.program(name)).unwrap();
    }

    fn program(&self, name: &str) -> PathBuf {
        self.directory.path().join("programs").join(name)
    }

    /// A program that is a script.
    fn script(&self, name: &str, text: &str) -> &Self {
        let path = self.program(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// With a Rust that is new enough and a C compiler.
    fn with_compilers(&self) -> &Self {
        self.script("rustc", "echo 'rustc 9.0.0 (0123456789 2026-01-01)'")
            .script("cc", "exit 0")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.program(name));
        command
            .current_dir(self.checkout())
            .env_clear()
            .env("PATH", self.directory.path().join("programs"))
            .env("HOME", self.home())
            .env("LANG", "C");
        command
    }

    fn make(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command("make").args(arguments).output().unwrap())
    }

    /// What there is below the checkout, but for what was there at first.
    fn made(&self) -> Vec<String> {
        fs::read_dir(self.checkout())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !["Makefile", "Cargo.toml", "scripts", "tests"].contains(&name.as_str()))
            .collect()
    }
}

/// Where a program of this machine is.
fn found(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("{name} is not on the PATH, and the Makefile needs it"))
}

/// The interpreter itself: what is on the PATH may be a script that looks for it.
fn python() -> PathBuf {
    let asked = Command::new(found("python3"))
        .args(["-I", "-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    let said = Said::of(&asked);
    assert!(said.succeeded, "{}", said.text);
    PathBuf::from(said.text.trim())
}

/// What a command said, and whether it succeeded.
struct Said {
    succeeded: bool,
    text: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = [&output.stdout[..], &output.stderr].concat();
        Self {
            succeeded: output.status.success(),
            text: String::from_utf8(text).unwrap(),
        }
    }

    #[track_caller]
    fn failed(&self, parts: &[&str]) -> &Self {
        assert!(!self.succeeded, "it succeeded: {}", self.text);
        self.says(parts)
    }

    #[track_caller]
    fn says(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.text.contains(part), "no {part:?} in: {}", self.text);
        }
        self
    }

    #[track_caller]
    fn does_not_say(&self, part: &str) -> &Self {
        assert!(!self.text.contains(part), "{part:?} in: {}", self.text);
        self
    }
}

#[test]
fn what_is_missing_is_named_with_what_installs_it() {
    let machine = Machine::new();
    for target in ["demo", "test", "lint", "docs", "install", "release"] {
        machine.make(&[target]).failed(&[
            "Rust is missing",
            "sh.rustup.rs",
            "C compiler is missing",
        ]);
    }
    for target in ["unit", "bench"] {
        machine
            .make(&[target])
            .failed(&["Rust is missing", "C compiler is missing"])
            .does_not_say("Python");
    }
    machine.with_compilers().script("cargo", "exit 0");
    fs::remove_file(machine.program("python3")).unwrap();
    machine
        .make(&["demo"])
        .failed(&["Python is missing (python3)", "Install it"])
        .does_not_say("Rust");
    machine
        .make(&["demo", "PYTHON=python9"])
        .failed(&["Python is missing (python9)"]);
    assert_eq!(machine.made(), [""; 0]);
}

#[test]
fn what_is_too_old_is_named_with_what_is_needed() {
    let machine = Machine::new();
    machine
        .with_compilers()
        .script("cargo", "exit 0")
        .script("rustc", "echo 'rustc 1.94.1 (0123456789 2026-01-01)'");
    let needed = env!("CARGO_PKG_RUST_VERSION");
    machine.make(&["unit"]).failed(&[
        "Rust is too old: rustc 1.94.1",
        &format!("{needed} or later"),
        "sh.rustup.rs",
    ]);
    machine.script("rustup", "exit 0");
    machine.make(&["unit"]).failed(&["rustup update stable"]);
    machine.script("rustc", "echo 'error: no default toolchain' >&2; exit 1");
    machine
        .make(&["unit"])
        .failed(&["rustc does not start: error: no default toolchain"]);
    for good in [
        format!("rustc {needed}.0"),
        "rustc 2.0.0-nightly".to_owned(),
    ] {
        machine.script("rustc", &format!("echo '{good}'"));
        let said = machine.make(&["unit"]);
        assert!(said.succeeded, "{}", said.text);
    }
    // Python that only says that it is old.
    let python = "case \"$*\" in *version_info*) exit 1;; *-V*) echo 'Python 3.9.2';; esac";
    fs::remove_file(machine.program("python3")).unwrap();
    machine.script("python3", python);
    machine
        .make(&["demo"])
        .failed(&["python3 is Python 3.9.2; 3.10 or later is needed"]);
    // As Debian has it without python3-venv.
    machine.script("python3", "case \"$*\" in *ensurepip*) exit 1;; esac");
    machine
        .make(&["demo"])
        .failed(&["python3 has no venv module", "Install it"]);
    assert_eq!(machine.made(), [""; 0]);
}

#[test]
fn a_checkout_that_cannot_be_written_to_is_named() {
    let machine = Machine::new();
    machine.with_compilers().script("cargo", "exit 0");
    // Root may write everywhere, whatever the mode says: so the test of it says no.
    let scripts = machine.checkout().join("scripts/prerequisites.sh");
    let text = fs::read_to_string(&scripts).unwrap();
    assert!(text.contains("if ! [ -w \"$here\" ]"));
    fs::write(&scripts, text.replace("[ -w \"$here\" ]", "false")).unwrap();
    machine
        .make(&["demo"])
        .failed(&["cannot be written to", "git clone"]);
}

#[test]
fn a_disk_without_room_is_named() {
    let machine = Machine::new();
    machine.with_compilers().script("cargo", "exit 0");
    fs::remove_file(machine.program("df")).unwrap();
    let df = |free: u64| {
        let row = format!("/dev/vda 9 9 {} 99% /", free * 1024);
        machine.script(
            "df",
            &format!("echo 'Filesystem 1024-blocks Used'; echo '{row}'"),
        );
    };
    df(2_999);
    machine
        .make(&["demo"])
        .failed(&["has 2999 MB left; 3000 MB are needed", "CARGO_TARGET_DIR"]);
    fs::create_dir(machine.checkout().join("target")).unwrap();
    assert!(machine.make(&["unit"]).succeeded);
    df(199);
    machine
        .make(&["unit"])
        .failed(&["has 199 MB left; 200 MB are needed"]);
}

#[test]
fn a_build_that_fails_ends_the_command() {
    let machine = Machine::new();
    machine
        .with_compilers()
        .script("cargo", "echo 'error: it does not compile' >&2; exit 101");
    for target in ["install", "release"] {
        machine
            .make(&[target])
            .failed(&["it does not compile", "cargo build failed"])
            .does_not_say("installed")
            .does_not_say("Traceback");
        assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 0);
        assert_eq!(machine.made(), [""; 0]);
    }
    for target in ["unit", "bench"] {
        machine.make(&[target]).failed(&["it does not compile"]);
    }
}

#[test]
fn a_build_elsewhere_is_found() {
    let machine = Machine::new();
    let target = machine.directory.path().join("tar get");
    let binary = target.join("release/terraform-provider-orgmirror");
    fs::create_dir_all(binary.parent().unwrap()).unwrap();
    fs::write(&binary, "the provider").unwrap();
    let artifact = serde_json::json!({
        "reason": "compiler-artifact",
        "target": { "name": "terraform-provider-orgmirror" },
        "executable": binary,
    });
    let metadata = serde_json::json!({
        "target_directory": target,
        "packages": [{ "name": "terraform-provider-orgmirror", "version": "1.2.3" }],
    });
    fs::write(machine.home().join("artifact"), artifact.to_string()).unwrap();
    fs::write(machine.home().join("metadata"), metadata.to_string()).unwrap();
    machine.with_compilers().script(
        "cargo",
        "case $1 in build) cat \"$HOME/artifact\";; metadata) cat \"$HOME/metadata\";; esac",
    );
    let said = machine.make(&["install"]);
    assert!(said.succeeded, "{}", said.text);
    let mut places = Vec::new();
    for registry in ["registry.terraform.io", "registry.opentofu.org"] {
        let below = machine
            .home()
            .join(".terraform.d/plugins")
            .join(registry)
            .join("orgmirror/orgmirror/1.2.3");
        let platform = fs::read_dir(below).unwrap().next().unwrap().unwrap();
        let place = platform.path().join("terraform-provider-orgmirror_v1.2.3");
        assert_eq!(fs::read_to_string(&place).unwrap(), "the provider");
        let mode = fs::metadata(&place).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(fs::read_dir(platform.path()).unwrap().count(), 1);
        said.says(&[place.to_str().unwrap()]);
        places.push(place);
    }
    let said = Said::of(
        &machine
            .command("make")
            .arg("install")
            .env_remove("HOME")
            .output()
            .unwrap(),
    );
    said.failed(&["HOME is not set"]);

    fs::create_dir(machine.checkout().join("dist")).unwrap();
    fs::write(machine.checkout().join("LICENSE"), "").unwrap();
    let said = machine.make(&["release"]);
    assert!(said.succeeded, "{}", said.text);
    said.says(&["dist/terraform-provider-orgmirror_1.2.3_SHA256SUMS"]);
}

#[test]
fn python_packages_that_cannot_be_installed_end_the_command() {
    let machine = Machine::new();
    machine.with_compilers().script("cargo", "exit 0");
    fs::remove_file(machine.program("python3")).unwrap();
    let python = format!(
        "case \"$*\" in
            *'-m venv'*) mkdir -p .venv/bin .venv-c7n/bin; cp \"$0\" .venv/bin/python; cp \"$0\" .venv-c7n/bin/python;;
            *'-m pip'*) echo 'ERROR: Could not find a version' >&2; exit 1;;
            *scripts/*) exec '{}' \"$@\";;
        esac",
        python().display()
    );
    machine.script("python3", &python);
    machine.make(&["test"]).failed(&[
        "Could not find a version",
        "pip could not install it",
        "a network, or the mirror or proxy",
    ]);
    machine
        .make(&["test", "TERRAFORM=scripts/terraform-1.11", "TOFU="])
        .failed(&["pip could not install it"]);
    machine
        .make(&["lint"])
        .failed(&["make TERRAFORM=terraform test"]);
    // The demo waits for its build meanwhile, and not for nothing.
    machine.script(
        "cargo",
        "case $1 in metadata) echo '{\"target_directory\": \"target\", \"packages\": []}';; build) exec sleep 3600;; esac",
    );
    machine.link("sleep", &found("sleep"));
    machine.make(&["demo"]).failed(&[
        "This is the first time",
        "pip could not install it",
        "could not be installed: what pip said is above",
    ]);
}

/// Stands in for cargo: one target is well, one has two failures, one dies, one has no tests.
const CARGO: &str = r#"
case "$*" in
metadata*)
    echo '{"packages": [{"targets": [
        {"kind": ["lib"], "name": "orgmirror"}, {"kind": ["test"], "name": "wire"}, {"kind": ["test"], "name": "acceptance"}
    ]}]}' ;;
*--no-run*) ;;
*--lib*) echo 'test model::handle::tests::handles_are_short ... ok'
    echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s' ;;
*--test=acceptance*) echo 'test guard::it_holds ... FAILED'
    echo 'test guard::it_is_named ... ok'
    echo 'test sso::it_panics - should panic ... FAILED'
    echo 'test sso::it_waits ... ignored'
    echo 'test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s'
    echo 'error: test failed, to rerun pass `--test acceptance`' >&2
    exit 101 ;;
*--test=wire*) echo 'running 9 tests'
    echo 'Caused by: process did not exit successfully: (signal: 9, SIGKILL: kill)' >&2
    exit 101 ;;
*) echo 'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s' ;;
esac"#;

#[test]
fn one_failure_hides_nothing() {
    let machine = Machine::new();
    machine
        .script("cargo", CARGO)
        .script("one", "echo 'Terraform v1.11.4'")
        .script("two", "echo 'OpenTofu v1.12.6'");
    let run = |clients: &[&str]| {
        let mut command = machine.command("python3");
        command.arg("scripts/test.py").args(clients);
        Said::of(&command.output().unwrap())
    };
    let said = run(&["one", "", "two"]);
    said.failed(&[
        "==> acceptance on Terraform v1.11.4: cargo test --locked --workspace --test=acceptance\n",
        "==> acceptance on OpenTofu v1.12.6: cargo test --locked --workspace --test=acceptance -- --skip ",
        "==> acceptance on Terraform v1.11.4: 1 passed, 2 failed, in ",
        "==> lib: cargo test --locked --workspace --lib\n",
        "==> lib: 2 passed, 0 failed, in ",
        "==> What failed, and how to run it alone:\n    acceptance on Terraform v1.11.4: guard::it_holds\n        \
         ORGMIRROR_TERRAFORM=one cargo test --locked --workspace --test=acceptance -- --exact guard::it_holds\n",
        "ORGMIRROR_TERRAFORM=two cargo test --locked --workspace --test=acceptance -- --exact sso::it_panics\n",
        "    wire ended without a result\n        ORGMIRROR_TERRAFORM=one cargo test --locked --workspace --test=wire\n",
    ]);
    assert!(
        said.text.ends_with("\n4 passed, 5 failed, 2 skipped\n"),
        "{}",
        said.text
    );

    machine.script(
        "cargo",
        &CARGO.replace("*--no-run*)", "*--no-run*) exit 101"),
    );
    run(&["one"]).failed(&["The tests do not build", "\n0 passed, 1 failed\n"]);
    // All is well but for the exit code of one.
    let well = CARGO.replace("FAILED'", "ok'").replace(
        "running 9 tests",
        "test result: ok. 9 passed; 0 failed; 0 ignored;",
    );
    machine.script("cargo", &well.replacen("exit 101", "exit 0", 1));
    run(&["one"]).failed(&[
        "    wire ended with exit code 101\n",
        "12 passed, 1 failed, 1 skipped\n",
    ]);
    machine.script("cargo", &well.replace("exit 101", "exit 0"));
    let said = run(&["one"]);
    assert!(said.succeeded, "{}", said.text);
    said.says(&["\n12 passed, 0 failed, 1 skipped\n"])
        .does_not_say("What failed");
    run(&["nothing"]).failed(&["nothing cannot be started"]);
    machine.script("three", "exit 3");
    run(&["three"]).failed(&["three is not Terraform or OpenTofu"]);
    run(&[""]).failed(&["scripts/test.py TERRAFORM..."]);
}

#[test]
fn an_installed_terraform_is_used_if_it_is_new_enough() {
    let machine = Machine::new();
    let found = || {
        let mut command = machine.command("sh");
        Said::of(
            &command
                .arg("scripts/installed-terraform.sh")
                .env("TF_CLI_ARGS", "-nonsense")
                .output()
                .unwrap(),
        )
    };
    assert_eq!(found().text, "");
    let place = format!("{}\n", machine.program("terraform").display());
    for (version, is_used) in [
        ("Terraform v1.11.0", true),
        ("Terraform v1.15.5", true),
        ("Terraform v2.0.0-beta1", true),
        ("Terraform v1.10.9", false),
        ("Terraform v0.15.5", false),
        ("something else", false),
    ] {
        let says = format!("echo '{version}'; echo 'on linux_amd64'");
        machine.script("terraform", &says);
        let said = found();
        assert!(said.succeeded);
        assert_eq!(said.text, if is_used { &place } else { "" }, "{version}");
    }
    machine.script("terraform", "exit 1");
    assert_eq!(found().text, "");
    // A version manager that looks for its settings in the home.
    machine.script("terraform", "[ -d \"$HOME\" ] && echo 'Terraform v1.15.5'");
    assert_eq!(found().text, "");
    // One that the user's settings would break.
    machine.script(
        "terraform",
        "[ -z \"${TF_CLI_ARGS-}\" ] && echo 'Terraform v1.15.5'",
    );
    assert_eq!(found().text, place);
}

/// Otherwise tests pass or fail by the `~/.aws`, the proxy and the Terraform of whoever runs them.
#[test]
fn only_what_is_listed_gets_through_to_the_tests() {
    let machine = Machine::new();
    // Neither blanks nor quotes nor an equals sign in a path are in the way.
    let name = "it's = \"a program\"";
    let text = "printf '%s|' \"$@\" \"$(umask)\" \"$RUST_TEST_X\"; echo; env; exit 7";
    machine.script(name, text);
    let value = "a \"b\" $c `d`\nAWS_REGION=x";
    let long = format!("/{}", "a_name/".repeat(10));
    let run = |home: Option<&str>| {
        let mut command = machine.command("sh");
        match home {
            Some(home) => command.env("HOME", home),
            None => command.env_remove("HOME"),
        };
        let shell = "umask 077; exec scripts/without-settings \"$@\"";
        let output = command
            .args(["-c", shell, "sh"])
            .arg(machine.program(name))
            .args(["a b", "", "\"$c\""])
            .envs([
                ("ALL_PROXY", "http://127.0.0.1:9"),
                ("AWS_PROFILE", "nonsense"),
                ("GIT_DIR", "/nowhere"),
                ("ORGMIRROR_CATALOG", "/nowhere"),
                ("ORGMIRROR_PYTHON", "/a python"),
                ("PYTHONPATH", "/nowhere"),
                ("RUST_TEST_X", value),
                // A shell cannot unset it.
                ("SHELLOPTS", "braceexpand"),
                ("TF_LOG", "trace"),
                // Too long for the sockets that tests make below it.
                ("TMPDIR", long.as_str()),
                ("https_proxy", "http://127.0.0.1:9"),
            ])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(Some("/home/of the user"));
    let start = format!("a b||\"$c\"|0022|{value}|\n");
    let environment = said
        .strip_prefix(&start)
        .unwrap_or_else(|| panic!("{said}"))
        .replace(value, "");
    let mut lines: Vec<_> = environment
        .lines()
        // Shells set these themselves.
        .filter(|line| {
            !["OLDPWD=", "PWD=", "SHLVL=", "_="]
                .iter()
                .any(|own| line.starts_with(own))
        })
        .collect();
    lines.sort_unstable();
    let path = format!("PATH={}/programs", machine.directory.path().display());
    assert_eq!(
        lines,
        [
            "CARGO_HOME=/home/of the user/.cargo",
            "HOME=/proc/no-home",
            "NO_PROXY=127.0.0.1",
            "ORGMIRROR_PYTHON=/a python",
            &path,
            "RUSTUP_HOME=/home/of the user/.rustup",
            "RUST_TEST_X=",
        ]
    );
    let without = run(None);
    assert!(without.contains("HOME=/proc/no-home"), "{without}");
    assert!(!without.contains("CARGO_HOME"), "{without}");
    assert!(fs::create_dir_all("/proc/no-home").is_err());
}
