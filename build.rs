//! Turns the wire contracts in `proto/` into Rust. protox compiles them in-process, so nobody needs `protoc`.

use std::error::Error;

const CONTRACTS: [&str; 3] = [
    "proto/tfplugin6.proto",
    "proto/go_plugin.proto",
    "proto/health.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for contract in CONTRACTS {
        println!("cargo::rerun-if-changed={contract}");
    }
    let descriptors = protox::compile(CONTRACTS, ["proto"])?;
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
