//! A provider of texts in files.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};
use terraform_plugin::prelude::*;

struct Files;

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Config {
    directory: Value<PathBuf>,
}

#[async_trait]
impl Provider for Files {
    type Config = Config;
    type Data = PathBuf;

    fn name(&self) -> &'static str {
        "files"
    }

    fn schema(&self) -> Schema {
        let directory = Attribute::string("directory").required();
        let directory = directory.description("Where the files are.");
        Schema::new("Texts in files.", vec![directory])
    }

    async fn configure(
        &self,
        config: Config,
        _: &CancellationToken,
        diagnostics: &mut Diagnostics,
    ) -> Option<PathBuf> {
        diagnostics.require(Path::of("directory"), config.directory)
    }

    fn resources(&self) -> Vec<ResourceType<PathBuf>> {
        vec![ResourceType::simple::<Text>()]
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Text {
    id: Value<String>,
    content: Value<String>,
}

#[async_trait]
impl SimpleResource for Text {
    type Data = PathBuf;
    const NAME: &'static str = "text";

    fn schema() -> Schema {
        let id = Attribute::string("id").required().requires_replace();
        let id = id.description("The name of the file.");
        let content = Attribute::string("content").required();
        Schema::new("A text.", vec![id, content.description("What it says.")])
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
