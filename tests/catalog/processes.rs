//! Other processes.

use std::io::{BufRead, BufReader, Write};
use std::{env, fs};

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use orgmirror::catalog::Catalog;
use orgmirror::model::objects::Workspace;

use crate::fixtures::*;
use crate::place::{Place, store_at};

pub const HELPER: &str = "ORGMIRROR_TEST_HELPER";
pub const PLACE: &str = "ORGMIRROR_TEST_PLACE";

/// The work of another process: this test binary, started again by [`helper`]. Run by itself it has nothing to do.
#[test]
#[ignore = "started by the other tests, as a process of its own"]
fn helper_process() {
    let (Ok(work), Ok(address)) = (env::var(HELPER), env::var(PLACE)) else {
        return;
    };
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nsays {line}").unwrap();
        out.flush().unwrap();
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (work, argument) = work.split_once(' ').unwrap();
    runtime.block_on(async {
        let catalog = Catalog::with_store(store_at(&address), TENANT);
        match work {
            "commit-forever" => {
                for n in 0.. {
                    let id = format!("in_{argument}_{n}");
                    commit_one(&catalog, &id).await;
                    say(id);
                }
            }
            "grant-and-declare" => {
                for n in 0..3 {
                    let name = format!("acme/w{argument}_{n}");
                    let declared = workspace(&format!("ws_{argument}_{n}"), &name, &["json"]);
                    let [one, two] = ["all", "own"].map(|id| format!("fp_{argument}_{n}_{id}"));
                    tokio::join!(
                        put(&catalog, folder_permission(&one, "in_a", "*")),
                        put(&catalog, folder_permission(&two, "in_a", &name)),
                        put(&catalog, declared),
                    );
                }
            }
            // Grants, and declares a workspace and takes it back.
            "write-forever" => {
                for n in 0.. {
                    let id = format!("fp_{argument}_{n}");
                    put(&catalog, folder_permission(&id, "in_a", "acme")).await;
                    say(id);
                    let id = format!("ws_{argument}");
                    match n % 2 {
                        0 => {
                            let name = format!("acme/w{argument}");
                            put(&catalog, workspace(&id, &name, &["json"])).await;
                        }
                        _ => remove::<Workspace>(&catalog, id).await,
                    }
                }
            }
            "grant" => {
                let permission = folder_permission(&format!("fp_{argument}"), "in_a", argument);
                let committed = put(&catalog, permission).await;
                let warnings = committed.warnings.iter().map(ToString::to_string);
                say(format!(
                    "warned: {}",
                    warnings.collect::<Vec<_>>().join(" | ")
                ));
            }
            "try" => match catalog.commit(&ada(), add(argument, argument)).await {
                Ok(_) => say("committed".into()),
                Err(error) => say(format!("{error:?} | {error}")),
            },
            // As a commit does before it writes.
            "reserve" => {
                let _reserved = store_at(&address).reserve().await.unwrap().unwrap();
                say("reserved".into());
                std::future::pending::<()>().await;
            }
            "lock" => {
                let lock = fs::File::open(Path::new(&address).join(argument)).unwrap();
                lock.lock().unwrap();
                say("locked".into());
                std::future::pending::<()>().await;
            }
            other => panic!("{other}?"),
        }
    });
}

pub fn helper_command(program: &Path, address: &str, work: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args([
            "--ignored",
            "--exact",
            "processes::helper_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(HELPER, work)
        .env(PLACE, address)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The work of a process whose files may have so many bytes.
pub fn limited_to(bytes: usize, directory: &Path, work: &str) -> Command {
    let program = env::current_exe().unwrap();
    let plain = helper_command(&program, directory.to_str().unwrap(), work);
    // The shell counts blocks of 512 bytes.
    let limit = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
        bytes / 512
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", &limit])
        .arg(plain.get_program())
        .args(plain.get_args())
        .envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// This test binary, where all may run it.
pub fn program_for_all(directory: &Path) -> PathBuf {
    let program = directory.join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    for path in [directory, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    program
}

/// The work of a process of another user where this one is root, whom permissions do not bind.
pub fn as_nobody(program: &Path, directory: &Path, work: &str) -> Command {
    let mut command = helper_command(program, directory.to_str().unwrap(), work);
    command.current_dir("/");
    if fs::metadata(program).unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    command
}

/// A process that is killed, at the latest when dropped.
pub struct Helper(pub Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn helper(place: &Place, work: &str) -> Helper {
    helper_at(&place.address(), work)
}

pub fn helper_at(address: &str, work: &str) -> Helper {
    let program = env::current_exe().unwrap();
    let mut command = helper_command(&program, address, work);
    Helper(command.spawn().unwrap())
}

impl Helper {
    pub fn wait(mut self) {
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    pub fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let out = BufReader::new(self.0.stdout.take().unwrap());
        out.lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("says ").map(ToOwned::to_owned))
    }
}

/// What a helper that tries to commit says.
pub fn told(mut command: Command) -> String {
    let mut helper = Helper(command.spawn().unwrap());
    let said: Vec<String> = helper.lines().collect();
    let mut errors = String::new();
    if let Some(mut stderr) = helper.0.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut errors).unwrap();
    }
    assert_eq!(said.len(), 1, "{said:?} {errors}");
    said.concat()
}
