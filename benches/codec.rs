//! A planned state of 10,000 accounts to and from MessagePack, beside serde_json as the yardstick.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use serde::{Deserialize, Serialize};
use terraform_plugin::msgpack;
use terraform_plugin::value::Value;

const ACCOUNTS: u32 = 10_000;

/// What an integration's state is mostly made of.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    id: Value<String>,
    handle: Value<String>,
    connections: Value<BTreeMap<String, Connection>>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Connection {
    name: Value<String>,
    email: Value<String>,
    state: Value<String>,
    tags: Value<BTreeMap<String, Value<String>>>,
    derived_handle: Value<String>,
    folder_id: Value<String>,
    path: Value<String>,
    derived_role_arn: Value<String>,
    sign_in_url: Value<String>,
}

fn main() {
    divan::main();
}

fn state() -> State {
    let connections = (0..ACCOUNTS).map(|number| {
        let id = format!("{:012}", 100_000_000_000 + u64::from(number));
        let unit = number % 200;
        let tags = [
            ("owner", format!("team-{unit}")),
            ("env", "prod".to_owned()),
        ];
        let connection = Connection {
            name: format!("Team {unit} account {number}").into(),
            email: format!("aws+{id}@acme.example").into(),
            state: "ACTIVE".into(),
            tags: Value::Known(
                tags.map(|(key, value)| (key.to_owned(), Value::Known(value)))
                    .into(),
            ),
            derived_handle: format!("aws_team_{unit}_account_{number}").into(),
            folder_id: format!("ou-ab12-{unit:08}").into(),
            path: format!("/Workloads/Prod/Team {unit}").into(),
            derived_role_arn: format!("arn:aws:iam::{id}:role/orgmirror-readonly").into(),
            sign_in_url: Value::Null,
        };
        (id, connection)
    });
    State {
        id: "in_abcdefghijklmnopqrst".into(),
        handle: "acme".into(),
        connections: Value::Known(connections.collect()),
    }
}

#[divan::bench_group(sample_count = 40)]
mod msgpack_terraform {
    use super::*;

    #[divan::bench]
    fn decode(bencher: Bencher) {
        let bytes = msgpack::to_vec(&state()).unwrap();
        assert_eq!(msgpack::from_slice::<State>(&bytes).unwrap(), state());
        bencher
            .counter(BytesCount::of_slice(&bytes))
            .bench(|| msgpack::from_slice::<State>(black_box(&bytes)).unwrap());
    }

    #[divan::bench]
    fn encode(bencher: Bencher) {
        let state = state();
        let length = msgpack::to_vec(&state).unwrap().len();
        bencher
            .counter(BytesCount::new(length))
            .bench(|| msgpack::to_vec(black_box(&state)).unwrap());
    }
}

#[divan::bench_group(sample_count = 40)]
mod json_yardstick {
    use super::*;

    #[divan::bench]
    fn decode(bencher: Bencher) {
        let bytes = serde_json::to_vec(&state()).unwrap();
        assert_eq!(serde_json::from_slice::<State>(&bytes).unwrap(), state());
        bencher
            .counter(BytesCount::of_slice(&bytes))
            .bench(|| serde_json::from_slice::<State>(black_box(&bytes)).unwrap());
    }

    #[divan::bench]
    fn encode(bencher: Bencher) {
        let state = state();
        let length = serde_json::to_vec(&state).unwrap().len();
        bencher
            .counter(BytesCount::new(length))
            .bench(|| serde_json::to_vec(black_box(&state)).unwrap());
    }
}
