//! moto as a child process, seeded and changed through `moto_server.py`; see there for the commands.
//!
//! One process serves all tests of a binary, each of which has AWS organizations of its own in it. It ends with the test
//! binary, because its input does.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::python;

struct Server {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    url: String,
}

impl Server {
    fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let executable = python::executable();
        let mut child = Command::new(&executable)
            .arg(python::script("moto_server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} cannot be started: {error}. {}.",
                    executable.to_string_lossy(),
                    python::MISSING
                )
            });
        let input = child.stdin.take().expect("the input is piped");
        let mut output = BufReader::new(child.stdout.take().expect("the output is piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("moto says where it is");
        let Ok(hello) = serde_json::from_str::<Value>(&first) else {
            drop(input);
            let status = child.wait().expect("it ends when its input does");
            panic!(
                "{} did not start moto ({status}; its complaint is above). {}.",
                executable.to_string_lossy(),
                python::MISSING
            );
        };
        Self {
            pipes: Mutex::new((input, output)),
            url: text(&hello["url"], "the URL"),
        }
    }

    fn command(&self, command: &Value) -> Value {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipes.0, "{command}").expect("moto takes commands");
        let mut line = String::new();
        pipes.1.read_line(&mut line).expect("moto answers");
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{command} was answered with {line:?}: {error}"));
        assert_eq!(answer["ok"], true, "{command} was answered with {answer}");
        answer
    }
}

/// Where moto answers; it starts where it has not yet.
pub fn url() -> &'static str {
    &Server::shared().url
}

/// An AWS organization in moto.
pub struct Moto {
    seeded: Value,
}

impl Moto {
    /// Makes an AWS organization with this tree below its root, in the shape that `seed` takes.
    pub fn seed(tree: Value) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(900_000_000_001);
        let management = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let seeded = Server::shared().command(&json!({
            "op": "seed",
            "management": { "id": management, "name": "Management" },
            "tree": tree,
        }));
        Self { seeded }
    }

    /// Where moto answers.
    pub fn url(&self) -> String {
        Server::shared().url.clone()
    }

    /// Runs a command on this AWS organization and gives its answer.
    pub fn command(&self, name: &str, mut arguments: Value) -> Value {
        arguments["op"] = json!(name);
        arguments["organization"] = self.seeded["id"].clone();
        Server::shared().command(&arguments)
    }

    /// `o-...`
    pub fn id(&self) -> String {
        text(&self.seeded["id"], "the AWS organization")
    }

    /// `r-...`
    pub fn root(&self) -> String {
        text(&self.seeded["root_id"], "the root")
    }

    /// Account ID of the management account.
    pub fn management(&self) -> String {
        text(
            &self.seeded["management_account_id"],
            "the management account",
        )
    }

    /// ID of the OU that was seeded at a path.
    pub fn unit(&self, path: &str) -> String {
        text(&self.seeded["organizational_units"][path], path)
    }

    /// ID of the account that was seeded with a name.
    pub fn account(&self, name: &str) -> String {
        text(&self.seeded["accounts"][name], name)
    }

    /// What leads AWS's own tools here, with a key of the management account.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        let key = |name: &str| text(&self.seeded["credentials"][name], name);
        [
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", key("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", key("secret_access_key")),
        ]
    }

    /// Arguments of the provider that lead it here, with a key of the management account.
    pub fn provider_arguments(&self) -> String {
        let credentials = &self.seeded["credentials"];
        format!(
            "region = \"us-east-1\"\n  access_key = {}\n  secret_key = {}\n  endpoints = {{ organizations = \"{url}\", sts = \"{url}\" }}",
            credentials["access_key_id"],
            credentials["secret_access_key"],
            url = Server::shared().url,
        )
    }
}

fn text(value: &Value, name: &str) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{name} is not there: {value}"))
        .to_owned()
}
