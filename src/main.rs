//! Started by Terraform: serve. Started by hand: say what this is.

fn main() {}
