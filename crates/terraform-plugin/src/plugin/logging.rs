//! The log: `tracing` events as lines of JSON on standard error, as go-plugin reads them.
//!
//! Terraform takes the lines in, filters them by `TF_LOG_PROVIDER` or `TF_LOG`, and writes them to its own log.
//! Three rules hold here. Only lines that Terraform would let through are written. Of the events of other crates only
//! the messages of warnings and errors are: HTTP clients and SDKs put headers, bodies and whole responses into
//! their events. And the log cannot fail the provider: a line that cannot be written is lost.

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::About;

/// The crate of this file, whose events are written like the provider's own.
const THIS_CRATE: &str = env!("CARGO_CRATE_NAME");

/// The longest text of a field, in bytes; longer text is cut.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// go-plugin reads lines of up to 64 KiB and takes longer ones apart without looking at their level.
const MAX_LINE_BYTES: usize = 60 << 10;

/// Starts the log for this process, at the level that the environment asks for.
///
/// A panic is written as go-plugin expects a plugin's to be, so that Terraform shows it to the user.
/// When a log was started before, that one stays.
pub(super) fn start(about: About, environment: &impl Fn(&str) -> Option<OsString>) {
    std::panic::set_hook(Box::new(|panic| {
        let _ = io::stderr().lock().write_all(describe(panic).as_bytes());
    }));
    let level = level(about.provider, environment);
    if level != LevelFilter::OFF {
        let lines = JsonLines::new(level, about.crates, io::stderr());
        let subscriber = Registry::default().with(lines);
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}

/// The level that Terraform filters by; without any, warnings, which cost nothing.
fn level(provider: &str, environment: &impl Fn(&str) -> Option<OsString>) -> LevelFilter {
    level_variables(provider)
        .iter()
        .filter_map(|name| environment(name))
        .find(|value| !value.is_empty())
        .map_or(LevelFilter::WARN, |value| {
            match value.to_string_lossy().to_ascii_uppercase().as_str() {
                "OFF" => LevelFilter::OFF,
                "ERROR" => LevelFilter::ERROR,
                "WARN" => LevelFilter::WARN,
                "INFO" => LevelFilter::INFO,
                "DEBUG" => LevelFilter::DEBUG,
                // Terraform takes JSON, and every word that it does not know, as TRACE.
                _ => LevelFilter::TRACE,
            }
        })
}

/// The variables that set the level, the most specific first. The first is for this provider only, the second for
/// all providers, the third for Terraform as a whole.
fn level_variables(provider: &str) -> [String; 3] {
    let provider = provider.to_ascii_uppercase().replace('-', "_");
    [
        format!("TF_LOG_PROVIDER_{provider}"),
        "TF_LOG_PROVIDER".to_owned(),
        "TF_LOG".to_owned(),
    ]
}

/// go-plugin takes a line that begins with `panic: `, and all plain lines after it, for a plugin's crash.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("(no message)");
    let mut text = format!("panic: {message}");
    if let Some(location) = panic.location() {
        let _ = write!(text, "\n    at {location}");
    }
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = write!(text, "\n{backtrace}");
    }
    text.push('\n');
    text
}

/// Writes each event as one line.
struct JsonLines<W> {
    level: LevelFilter,
    /// The provider's own crates.
    crates: &'static [&'static str],
    output: Mutex<W>,
}

impl<W: Write> JsonLines<W> {
    fn new(level: LevelFilter, crates: &'static [&'static str], output: W) -> Self {
        Self {
            level,
            crates,
            output: Mutex::new(output),
        }
    }

    fn is_own(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let root = target.split_once("::").map_or(target, |(root, _)| root);
        root == THIS_CRATE || self.crates.contains(&root)
    }

    /// One write per line, so that lines of several processes do not mix.
    fn write(&self, line: &[u8]) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = output.write_all(line);
    }
}

/// The fields of a span, kept until its events are written.
struct SpanFields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + Send + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level
            && (self.is_own(metadata) || (metadata.is_event() && *metadata.level() <= Level::WARN))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(map)) = span.extensions_mut().get_mut()
        {
            let mut fields = Fields(std::mem::take(map));
            record.record(&mut fields);
            *map = fields.0;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut own = Fields::default();
        event.record(&mut own);
        let message = own.0.remove("message").unwrap_or_else(|| "".into());
        let mut fields = Fields::default();
        if self.is_own(metadata) {
            if let Some(scope) = context.event_scope(event) {
                for span in scope.from_root() {
                    if let Some(SpanFields(map)) = span.extensions().get() {
                        fields.0.extend(map.clone());
                    }
                }
            }
            fields.0.append(&mut own.0);
        }
        let module = metadata.target().replace("::", ".");
        let now = timestamp(OffsetDateTime::now_utc());
        self.write(&line(*metadata.level(), message, &module, now, fields.0));
    }
}

/// One line of the log with its line end, at most [`MAX_LINE_BYTES`] long.
fn line(
    level: Level,
    message: Value,
    module: &str,
    now: String,
    mut fields: Map<String, Value>,
) -> Vec<u8> {
    let level = match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    };
    // go-plugin panics on a level, message or timestamp that is not a string.
    let message = match message {
        Value::String(message) => message,
        other => other.to_string(),
    };
    let required = [
        ("@level", level.into()),
        ("@message", message.into()),
        ("@module", module.into()),
        ("@timestamp", now.into()),
    ]
    .map(|(name, value): (&str, Value)| (name.to_owned(), value));
    fields.extend(required.clone());
    let mut line = Value::Object(fields).to_string();
    if line.len() > MAX_LINE_BYTES {
        let mut required = Map::from_iter(required);
        required.insert("truncated".to_owned(), true.into());
        line = Value::Object(required).to_string();
    }
    line.push('\n');
    line.into_bytes()
}

/// The only form of a time that go-plugin parses: UTC with exactly six digits of a second.
fn timestamp(time: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.microsecond(),
    )
}

/// Collects fields as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name().trim_start_matches("r#");
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = LimitedText::default();
        // The error is the limit, reached.
        let _ = write!(text, "{value:?}");
        self.insert(field, text.finish());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = LimitedText::default();
        let _ = text.write_str(value);
        self.insert(field, text.finish());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }
}

/// Text of at most [`MAX_TEXT_BYTES`], with a mark where it was cut.
#[derive(Default)]
struct LimitedText {
    text: String,
    is_cut: bool,
}

impl LimitedText {
    fn finish(mut self) -> String {
        if self.is_cut {
            self.text.push_str(" [cut]");
        }
        self.text
    }
}

impl fmt::Write for LimitedText {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = MAX_TEXT_BYTES - self.text.len();
        let fitting = &more[..more.floor_char_boundary(room)];
        self.text.push_str(fitting);
        self.is_cut = fitting.len() < more.len();
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use tracing::{debug, error, info, info_span, trace, warn};

    use super::*;

    const CRATES: &[&str] = &["toy"];

    /// Keeps each write apart.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<Vec<u8>>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written, a line per write, while `emit` runs.
    fn lines(level: LevelFilter, emit: impl FnOnce()) -> Vec<Map<String, Value>> {
        let writes = Writes::default();
        let subscriber = Registry::default().with(JsonLines::new(level, CRATES, writes.clone()));
        tracing::subscriber::with_default(subscriber, emit);
        let writes = writes.0.lock().unwrap();
        writes
            .iter()
            .map(|write| {
                let text = str::from_utf8(write).unwrap();
                assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
                assert!(text.len() <= MAX_LINE_BYTES + 1);
                serde_json::from_str(text).unwrap()
            })
            .collect()
    }

    #[test]
    fn an_event_is_a_line_with_the_fields_that_go_plugin_wants() {
        let lines = lines(LevelFilter::TRACE, || {
            let span = info_span!(
                "apply",
                tf_resource_type = "toy_ball",
                later = tracing::field::Empty
            );
            let _entered = span.enter();
            span.record("later", 7);
            info!(
                accounts = 3,
                r#type = "x",
                ratio = f64::NAN,
                ok = true,
                "read\n{}",
                "all"
            );
        });
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(line["@level"], "info");
        assert_eq!(line["@message"], "read\nall");
        assert_eq!(line["@module"], module_path!().replace("::", "."));
        assert_eq!(line["accounts"], 3);
        assert_eq!(line["type"], "x");
        assert_eq!(line["ratio"], Value::Null);
        assert_eq!(line["ok"], true);
        assert_eq!(line["tf_resource_type"], "toy_ball");
        assert_eq!(line["later"], 7);
        let time = line["@timestamp"].as_str().unwrap();
        assert_eq!(time.len(), "2006-01-02T15:04:05.000000Z".len());
        assert!(time.ends_with('Z') && &time[19..20] == ".", "{time}");
    }

    #[test]
    fn the_required_fields_are_always_strings() {
        let lines = lines(LevelFilter::TRACE, || {
            info!(message = 5);
            info!("@level" = 1, "@timestamp" = true, "spoofed");
            info!(count = 1);
        });
        assert_eq!(lines.len(), 3);
        for line in &lines {
            for name in ["@level", "@message", "@module", "@timestamp"] {
                assert!(line[name].is_string(), "{line:?}");
            }
            assert_eq!(line["@level"], "info");
        }
    }

    #[test]
    fn the_level_filters_and_each_level_has_its_name() {
        let emit = || {
            error!("e");
            warn!("w");
            info!("i");
            debug!("d");
            trace!("t");
        };
        let names = |level| -> Vec<String> {
            lines(level, emit)
                .iter()
                .map(|line| line["@level"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(LevelFilter::ERROR), ["error"]);
        assert_eq!(names(LevelFilter::INFO), ["error", "warn", "info"]);
        assert_eq!(
            names(LevelFilter::TRACE),
            ["error", "warn", "info", "debug", "trace"]
        );
    }

    #[test]
    fn nothing_of_other_crates_gets_out_but_the_message_of_a_warning() {
        let lines = lines(LevelFilter::TRACE, || {
            let span = info_span!(target: "http_client::pool", "invoke", secret = "hush");
            let _entered = span.enter();
            for _ in 0..2 {
                trace!(target: "hyper::proto", body = "hush", "hush");
                debug!(target: "h2::codec", header = "hush", "hush");
                info!(target: "toys", key = "hush", "hush");
                info!(target: concat!(env!("CARGO_CRATE_NAME"), "s"), key = "hush", "hush");
                info!(target: "cloud_sdk::profile", key = "hush", "hush");
            }
            warn!(target: "cloud_sdk::meta", error = "hush", "provider failed");
            info!("ours");
            info!(target: "toy", "the provider's");
            info!(target: "toy::ball", size = 5, "the provider's");
        });
        let text = serde_json::to_string(&lines).unwrap();
        assert!(!text.contains("hush"), "{text}");
        let messages: Vec<_> = lines.iter().map(|line| &line["@message"]).collect();
        assert_eq!(
            messages,
            [
                "provider failed",
                "ours",
                "the provider's",
                "the provider's"
            ]
        );
        assert_eq!(lines[3]["size"], 5);
    }

    #[test]
    fn long_lines_stay_within_what_go_plugin_reads() {
        let long = "ä\u{1}".repeat(100_000);
        let lines = lines(LevelFilter::TRACE, || {
            info!(a = long, b = ?long, c = long, d = long, "short");
            info!("{long}");
        });
        assert_eq!(lines[0]["@message"], "short");
        assert_eq!(lines[0]["truncated"], true);
        let message = lines[1]["@message"].as_str().unwrap();
        assert!(message.starts_with("ä\u{1}ä") && message.ends_with("[cut]"));
    }

    #[test]
    fn a_closed_output_is_no_failure() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let lines = JsonLines::new(LevelFilter::TRACE, CRATES, Closed);
        let subscriber = Registry::default().with(lines);
        tracing::subscriber::with_default(subscriber, || error!("lost"));
    }

    #[test]
    fn the_most_specific_variable_sets_the_level() {
        let level = |variables: &[(&str, &str)]| {
            let variables: HashMap<_, _> = variables.iter().copied().collect();
            level("top-toy", &|name| variables.get(name).map(OsString::from))
        };
        assert_eq!(level(&[]), LevelFilter::WARN);
        assert_eq!(level(&[("TF_LOG", "debug")]), LevelFilter::DEBUG);
        assert_eq!(level(&[("TF_LOG", "json")]), LevelFilter::TRACE);
        assert_eq!(level(&[("TF_LOG", "loud")]), LevelFilter::TRACE);
        assert_eq!(
            level(&[("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "OFF")]),
            LevelFilter::OFF
        );
        assert_eq!(
            level(&[
                ("TF_LOG", "error"),
                ("TF_LOG_PROVIDER", ""),
                ("TF_LOG_PROVIDER_TOP_TOY", "Info")
            ]),
            LevelFilter::INFO
        );
    }
}
