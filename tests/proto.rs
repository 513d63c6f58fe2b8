//! Holds the Rust in `crates/terraform-plugin/src/proto` to the contracts in `proto/`.
//!
//! `UPDATE_PROTO=1 cargo test --test proto` writes it anew. protox compiles the contracts in-process, so nobody needs
//! `protoc`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;

/// Where the Rust is.
const RUST: &str = "crates/terraform-plugin/src/proto";

/// The contracts, and the file of their package as prost names it and as it is here.
const CONTRACTS: [(&str, &str, &str); 3] = [
    ("proto/go_plugin.proto", "plugin.rs", "go_plugin.rs"),
    ("proto/health.proto", "grpc.health.v1.rs", "health.rs"),
    ("proto/tfplugin6.proto", "tfplugin6.rs", "tfplugin6.rs"),
];

#[test]
fn the_rust_is_what_the_contracts_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contracts = CONTRACTS.map(|(contract, ..)| root.join(contract));
    let descriptors = protox::compile(contracts, [root.join("proto")]).unwrap();
    let generated = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(generated.path())
        .compile_fds(descriptors)
        .unwrap();
    for (contract, name, kept) in CONTRACTS {
        let generated = fs::read_to_string(generated.path().join(name)).unwrap();
        let kept = root.join(RUST).join(kept);
        if std::env::var_os("UPDATE_PROTO").is_some_and(|value| value == "1") {
            fs::write(&kept, &generated).unwrap();
        }
        assert!(
            fs::read_to_string(&kept).unwrap() == generated,
            "{} is not what {contract} says: UPDATE_PROTO=1 cargo test --test proto",
            kept.display()
        );
    }
}
