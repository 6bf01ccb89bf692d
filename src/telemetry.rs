//! The log of what happens: to standard error, for people or for machines.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::LogFormat;

/// Begins to log.
///
/// # Errors
/// When the directives are malformed.
pub fn start(format: LogFormat, directives: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(directives)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}
