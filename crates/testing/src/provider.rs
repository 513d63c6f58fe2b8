//! Where the provider is that is tested.

use std::path::Path;

/// The provider's executable, from which Terraform and plugin clients of the tests are made.
///
/// cargo builds it for the integration tests of its package, and tells them where it is while it compiles them. So every
/// target that starts the provider has this in its `main.rs`:
///
/// ```text
/// const PROVIDER: Provider = Provider::at(env!("CARGO_BIN_EXE_terraform-provider-orgmirror"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    executable: &'static str,
}

impl Provider {
    /// The executable at a path that cargo gave.
    pub const fn at(executable: &'static str) -> Self {
        Self { executable }
    }

    /// The path of the executable, which is there.
    #[track_caller]
    pub fn executable(self) -> &'static Path {
        let executable = Path::new(self.executable);
        assert!(
            executable.is_file(),
            "{} is missing: cargo built the provider there for this test. `cargo test` builds it again.",
            self.executable
        );
        executable
    }

    /// The directory of the executable: the one of cargo's profile, which is in cargo's target directory.
    #[track_caller]
    pub fn directory(self) -> &'static Path {
        let directory = self.executable().parent();
        directory.expect("the executable is in a directory")
    }
}
