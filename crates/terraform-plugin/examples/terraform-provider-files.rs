//! A provider of texts in files.

use std::{fs, io, path::PathBuf};

use terraform_plugin::prelude::*;

struct Files;

#[derive(Clone, Default, Describe)]
struct Config {
    /// Where the files are.
    #[field(required)]
    directory: Value<String>,
}

#[async_trait]
impl Provider for Files {
    type Config = Config;
    type Data = PathBuf;

    fn name(&self) -> &'static str {
        "files"
    }

    fn schema(&self) -> Schema {
        Schema::of::<Config>("Texts in files.")
    }

    async fn configure(
        &self,
        config: Config,
        _: &CancellationToken,
        diagnostics: &mut Diagnostics,
    ) -> Option<PathBuf> {
        let directory = diagnostics.require(Path::of("directory"), config.directory);
        directory.map(PathBuf::from)
    }

    fn resources(&self) -> Vec<ResourceType<PathBuf>> {
        vec![ResourceType::simple::<Text>()]
    }
}

#[derive(Clone, Default, Describe)]
struct Text {
    /// The name of the file.
    #[field(required, requires_replace)]
    id: Value<String>,
    /// What it says.
    #[field(required)]
    content: Value<String>,
}

#[async_trait]
impl SimpleResource for Text {
    type Data = PathBuf;
    const NAME: &'static str = "text";

    fn schema() -> Schema {
        Schema::of::<Self>("A text.")
    }

    async fn read(mut self, directory: &PathBuf) -> Result<Option<Self>, Diagnostic> {
        match fs::read_to_string(path(directory, &self)) {
            Ok(text) => self.content = text.into(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        Ok(Some(self))
    }

    async fn create(self, directory: &PathBuf) -> Result<Self, Diagnostic> {
        fs::File::create_new(path(directory, &self)).map_err(failed)?;
        self.update(directory).await
    }

    async fn update(self, directory: &PathBuf) -> Result<Self, Diagnostic> {
        let text = self.content.known().map_or("", String::as_str);
        fs::write(path(directory, &self), text).map_err(failed)?;
        Ok(self)
    }

    async fn delete(self, directory: &PathBuf) -> Result<(), Diagnostic> {
        fs::remove_file(path(directory, &self)).map_err(failed)
    }
}

fn path(directory: &std::path::Path, text: &Text) -> PathBuf {
    directory.join(text.id.known().map_or("", String::as_str))
}

fn failed(error: io::Error) -> Diagnostic {
    Diagnostic::error("The file cannot be used", error.to_string())
}

fn main() -> std::process::ExitCode {
    serve(Server::new(Files), about!("files"))
}
