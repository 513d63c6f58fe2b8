//! The README shows a provider that compiles, and all of it.
#![allow(missing_docs)]

const README: &str = include_str!("../README.md");
const EXAMPLE: &str = include_str!("../examples/terraform-provider-files.rs");

#[test]
fn the_provider_in_the_readme_is_the_example() {
    let blocks: Vec<&str> = README
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("```")?.0))
        .collect();
    assert!(
        blocks == [EXAMPLE],
        "copy examples/terraform-provider-files.rs into the README: it has {blocks:#?}"
    );
}

#[test]
fn a_whole_provider_is_short() {
    let lines = EXAMPLE.lines().count();
    assert!(lines < 100, "{lines} lines");
}
