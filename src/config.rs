//! What was typed, and what is true.
//!
//! Every knob can be set by a flag, by an environment variable or by a key of a TOML file, in this
//! order of precedence, and has a default. [`ServeArgs`] is what was typed; [`Config`] is what counts.
//! A key or a `QUIPU_` variable that nobody knows is an error: a knob that is misspelt must not be
//! silently ignored.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Command, ValueEnum};
use serde::Deserialize;
use thiserror::Error as ThisError;

use crate::clock::Clock;
use crate::log::LogOptions;
use crate::model::Limits;
use crate::model::limits::STREAM_NAME_BYTES_MAX;
use crate::store::home::Engine;
use crate::store::{ScrubOptions, StoreOptions};

/// Environment variables of the client commands and of the benchmark, which a server may find set.
const CLIENT_VARIABLES: [&str; 2] = ["QUIPU_ENDPOINT", "QUIPU_TENANT"];

/// Those that only a build with bugs in it knows.
const SEEDED_VARIABLES: &[&str] = if cfg!(feature = "seeded-bugs") { &["QUIPU_SEEDED_BUG"] } else { &[] };

const VARIABLE_PREFIX: &str = "QUIPU_";

/// How the log of what happens is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What was typed for `quipu serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// A TOML file with the same knobs; dashes become underscores
    #[arg(long, env = "QUIPU_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The knobs.
    #[command(flatten)]
    pub knobs: Knobs,
}

/// The knobs of a server, where they are set.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:2113]
    #[arg(long, env = "QUIPU_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// The data directory [default: quipu-data]
    #[arg(long, env = "QUIPU_DATA", value_name = "DIRECTORY")]
    pub data: Option<PathBuf>,

    /// Keep everything in memory: for tests of your own; nothing outlives the process
    #[arg(long, env = "QUIPU_IN_MEMORY", num_args = 0..=1, default_missing_value = "true")]
    pub in_memory: Option<bool>,

    /// What the events lie in [default: segments]
    #[arg(long, env = "QUIPU_LOG", value_enum)]
    pub log: Option<Engine>,

    /// How the log of what happens is written [default: text]
    #[arg(long, env = "QUIPU_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,

    /// What is logged: a level, or directives such as `info,quipu::grpc=debug` [default: info]
    #[arg(long, env = "QUIPU_LOG_LEVEL", value_name = "DIRECTIVES")]
    pub log_level: Option<String>,

    /// Seconds without an event after which a subscription gets a sign of life; at least 1 [default: 15]
    #[arg(long, env = "QUIPU_HEARTBEAT_SECONDS", value_name = "SECONDS")]
    pub heartbeat_seconds: Option<u64>,

    /// Seconds that requests in progress get when the server stops [default: 10]
    #[arg(long, env = "QUIPU_DRAIN_SECONDS", value_name = "SECONDS")]
    pub drain_seconds: Option<u64>,

    /// Bytes after which a segment gets a successor; 4 KiB to 2 GiB [default: 268435456]
    #[arg(long, env = "QUIPU_SEGMENT_BYTES", value_name = "BYTES")]
    pub segment_bytes: Option<u64>,

    /// Events after which a segment gets a successor; 1 to 2147483647 [default: 524288]
    #[arg(long, env = "QUIPU_SEGMENT_EVENTS", value_name = "EVENTS")]
    pub segment_events: Option<u64>,

    /// Bytes of the disk that are left alone: appends are refused before it is full [default: 67108864]
    #[arg(long, env = "QUIPU_DISK_RESERVE_BYTES", value_name = "BYTES")]
    pub disk_reserve_bytes: Option<u64>,

    /// Bytes of appends of a tenant that may wait for the disk; at least one append [default: 67108864]
    #[arg(long, env = "QUIPU_QUEUE_BYTES", value_name = "BYTES")]
    pub queue_bytes: Option<usize>,

    /// Bytes of the newest events of a tenant that are kept in memory for live subscribers [default: 16777216]
    #[arg(long, env = "QUIPU_RECENT_BYTES", value_name = "BYTES")]
    pub recent_bytes: Option<usize>,

    /// Bytes of a tenant's index of sealed segments that are kept in memory, the newest first
    /// [default: 536870912]
    #[arg(long, env = "QUIPU_INDEX_BYTES", value_name = "BYTES")]
    pub index_bytes: Option<u64>,

    /// Streams of a tenant whose last revisions are kept in memory; at least 2 [default: 2097152]
    #[arg(long, env = "QUIPU_HEADS", value_name = "STREAMS")]
    pub heads: Option<usize>,

    /// Tenants that may be open at once [default: 64]
    #[arg(long, env = "QUIPU_TENANTS_OPEN_MAX", value_name = "TENANTS")]
    pub tenants_open_max: Option<usize>,

    /// Seconds after which an unused tenant is closed [default: 600]
    #[arg(long, env = "QUIPU_TENANT_IDLE_SECONDS", value_name = "SECONDS")]
    pub tenant_idle_seconds: Option<u64>,

    /// Bytes of sealed files that are read in a second to find damage; 0 reads none [default: 8388608]
    #[arg(long, env = "QUIPU_SCRUB_BYTES_PER_SECOND", value_name = "BYTES")]
    pub scrub_bytes_per_second: Option<u64>,

    /// Seconds between the beginnings of two passes over all sealed files; at least 1 [default: 86400]
    #[arg(long, env = "QUIPU_SCRUB_INTERVAL_SECONDS", value_name = "SECONDS")]
    pub scrub_interval_seconds: Option<u64>,

    /// Threads that speak with clients; at least 1 [default: one less than there are cores, at least 1]
    #[arg(long, env = "QUIPU_WORKER_THREADS", value_name = "THREADS")]
    pub worker_threads: Option<usize>,

    /// The longest stream name in bytes, up to 2048 [default: 512]
    #[arg(long, env = "QUIPU_STREAM_NAME_BYTES", value_name = "BYTES")]
    pub stream_name_bytes: Option<usize>,

    /// The largest payload of an event or snapshot in bytes [default: 4194304]
    #[arg(long, env = "QUIPU_DATA_BYTES", value_name = "BYTES")]
    pub data_bytes: Option<usize>,

    /// The most events of one append [default: 10000]
    #[arg(long, env = "QUIPU_APPEND_EVENTS", value_name = "EVENTS")]
    pub append_events: Option<usize>,

    /// The largest append in bytes, up to 256 MiB [default: 16777216]
    #[arg(long, env = "QUIPU_APPEND_BYTES", value_name = "BYTES")]
    pub append_bytes: Option<usize>,

    /// How many of the newest events are searched for the ids of a retried append [default: 262144]
    #[arg(long, env = "QUIPU_RECENT_EVENT_IDS", value_name = "EVENTS")]
    pub recent_event_ids: Option<usize>,

    /// Snapshots of a stream that are kept; at least 1 [default: 3]
    #[arg(long, env = "QUIPU_SNAPSHOTS_PER_STREAM", value_name = "SNAPSHOTS")]
    pub snapshots_per_stream: Option<usize>,

    /// Checkpoints of a tenant, which are held in memory [default: 100000]
    #[arg(long, env = "QUIPU_CHECKPOINTS", value_name = "CHECKPOINTS")]
    pub checkpoints: Option<usize>,
}

/// Why a configuration is refused.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The file can not be read.
    #[error("the configuration file {} can not be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration file {} is wrong", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
    /// A variable that nobody knows.
    #[error("the environment variable {0} is not known")]
    UnknownVariable(String),
    /// Two knobs of which one says what the other denies.
    #[error("a log in sled lies in a data directory: in_memory and log = sled exclude each other")]
    SledInMemory,
    /// A value out of its bounds.
    #[error("{knob} is {value}, it must be {bounds}")]
    OutOfBounds {
        /// The knob.
        knob: &'static str,
        /// What was set.
        value: u64,
        /// What is allowed.
        bounds: &'static str,
    },
}

/// What counts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data directory.
    pub data: PathBuf,
    /// Whether everything is kept in memory.
    pub in_memory: bool,
    /// What the events lie in.
    pub log: Engine,
    /// How the log of what happens is written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// The longest silence of a subscription.
    pub heartbeat: Duration,
    /// How long requests in progress may take when the server stops.
    pub drain: Duration,
    /// How many tenants may be open.
    pub tenants_open_max: usize,
    /// When an unused tenant is closed.
    pub tenant_idle: Duration,
    /// How damage is looked for.
    pub scrub: ScrubOptions,
    /// How many threads speak with clients.
    pub worker_threads: usize,
    /// How stores are kept.
    pub store: StoreOptions,
}

impl Config {
    /// Puts together what was typed, what the file says, and the defaults.
    pub fn of(args: ServeArgs) -> Result<Self, Error> {
        let file = match &args.config {
            Some(path) => read_file(path)?,
            None => Knobs::default(),
        };
        let config = Self::of_knobs(args.knobs.or(file));
        config.check()?;
        Ok(config)
    }

    fn of_knobs(knobs: Knobs) -> Self {
        let (log, limits, store) = (LogOptions::default(), Limits::default(), StoreOptions::default());
        let scrub = ScrubOptions::default();
        Self {
            listen: knobs.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 2113))),
            data: knobs.data.unwrap_or("quipu-data".into()),
            in_memory: knobs.in_memory.unwrap_or(false),
            log: knobs.log.unwrap_or_default(),
            log_format: knobs.log_format.unwrap_or(LogFormat::Text),
            log_level: knobs.log_level.unwrap_or("info".into()),
            heartbeat: Duration::from_secs(knobs.heartbeat_seconds.unwrap_or(15)),
            drain: Duration::from_secs(knobs.drain_seconds.unwrap_or(10)),
            tenants_open_max: knobs.tenants_open_max.unwrap_or(64),
            tenant_idle: Duration::from_secs(knobs.tenant_idle_seconds.unwrap_or(600)),
            scrub: ScrubOptions {
                bytes_per_second: knobs.scrub_bytes_per_second.unwrap_or(scrub.bytes_per_second),
                interval: knobs.scrub_interval_seconds.map_or(scrub.interval, Duration::from_secs),
            },
            worker_threads: knobs.worker_threads.unwrap_or_else(default_worker_threads),
            store: StoreOptions {
                log: LogOptions {
                    segment_bytes: knobs.segment_bytes.unwrap_or(log.segment_bytes),
                    segment_events: knobs.segment_events.unwrap_or(log.segment_events),
                    disk_reserve_bytes: knobs.disk_reserve_bytes.unwrap_or(log.disk_reserve_bytes),
                    salts: log.salts,
                },
                limits: Arc::new(Limits {
                    stream_name_bytes: knobs.stream_name_bytes.unwrap_or(limits.stream_name_bytes),
                    data_bytes: knobs.data_bytes.unwrap_or(limits.data_bytes),
                    append_events: knobs.append_events.unwrap_or(limits.append_events),
                    append_bytes: knobs.append_bytes.unwrap_or(limits.append_bytes),
                    recent_event_ids: knobs.recent_event_ids.unwrap_or(limits.recent_event_ids),
                    snapshots_per_stream: knobs.snapshots_per_stream.unwrap_or(limits.snapshots_per_stream),
                    checkpoints: knobs.checkpoints.unwrap_or(limits.checkpoints),
                    ..limits
                }),
                queue_bytes: knobs.queue_bytes.unwrap_or(store.queue_bytes),
                recent_bytes: knobs.recent_bytes.unwrap_or(store.recent_bytes),
                index_bytes: knobs.index_bytes.unwrap_or(store.index_bytes),
                heads: knobs.heads.unwrap_or(store.heads),
                clock: Clock::system(),
                ..store
            },
        }
    }

    fn check(&self) -> Result<(), Error> {
        let check = |knob, value: u64, range: std::ops::RangeInclusive<u64>, bounds| {
            if range.contains(&value) { Ok(()) } else { Err(Error::OutOfBounds { knob, value, bounds }) }
        };
        if self.in_memory && self.log == Engine::Sled {
            return Err(Error::SledInMemory);
        }
        let (limits, log) = (&self.store.limits, &self.store.log);
        check("heartbeat_seconds", self.heartbeat.as_secs(), 1..=u64::MAX, "at least 1")?;
        check("segment_bytes", log.segment_bytes, 4 << 10..=2 << 30, "4 KiB to 2 GiB")?;
        check("segment_events", log.segment_events, 1..=i32::MAX as u64, "1 to 2147483647")?;
        check("tenants_open_max", self.tenants_open_max as u64, 1..=u64::MAX, "at least 1")?;
        check("scrub_interval_seconds", self.scrub.interval.as_secs(), 1..=u64::MAX, "at least 1")?;
        check("worker_threads", self.worker_threads as u64, 1..=1024, "1 to 1024")?;
        let name_max = STREAM_NAME_BYTES_MAX as u64;
        check("stream_name_bytes", limits.stream_name_bytes as u64, 1..=name_max, "1 to 2048")?;
        check("append_events", limits.append_events as u64, 1..=u64::MAX, "at least 1")?;
        check("append_bytes", limits.append_bytes as u64, 1 << 10..=256 << 20, "1 KiB to 256 MiB")?;
        check("data_bytes", limits.data_bytes as u64, 1..=limits.append_bytes as u64, "1 to append_bytes")?;
        check("snapshots_per_stream", limits.snapshots_per_stream as u64, 1..=u64::MAX, "at least 1")?;
        check("heads", self.store.heads as u64, 2..=u64::MAX, "at least 2")?;
        let (queue, queue_max) = (self.store.queue_bytes as u64, u64::from(u32::MAX));
        check("queue_bytes", queue, limits.append_bytes as u64..=queue_max, "append_bytes to 4 GiB")
    }
}

impl fmt::Display for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limits, log) = (&self.store.limits, &self.store.log);
        write!(formatter, "listen={} data={} in_memory={}", self.listen, self.data.display(), self.in_memory)?;
        write!(formatter, " log={} log_format={:?} log_level={}", self.log, self.log_format, self.log_level)?;
        write!(formatter, " heartbeat_seconds={}", self.heartbeat.as_secs())?;
        write!(formatter, " drain_seconds={}", self.drain.as_secs())?;
        write!(formatter, " segment_bytes={} segment_events={}", log.segment_bytes, log.segment_events)?;
        write!(formatter, " disk_reserve_bytes={}", log.disk_reserve_bytes)?;
        write!(formatter, " queue_bytes={} recent_bytes={}", self.store.queue_bytes, self.store.recent_bytes)?;
        write!(formatter, " index_bytes={} heads={}", self.store.index_bytes, self.store.heads)?;
        write!(formatter, " tenants_open_max={}", self.tenants_open_max)?;
        write!(formatter, " tenant_idle_seconds={}", self.tenant_idle.as_secs())?;
        write!(formatter, " scrub_bytes_per_second={}", self.scrub.bytes_per_second)?;
        write!(formatter, " scrub_interval_seconds={}", self.scrub.interval.as_secs())?;
        write!(formatter, " worker_threads={}", self.worker_threads)?;
        write!(formatter, " stream_name_bytes={} data_bytes={}", limits.stream_name_bytes, limits.data_bytes)?;
        write!(formatter, " append_events={} append_bytes={}", limits.append_events, limits.append_bytes)?;
        write!(formatter, " recent_event_ids={}", limits.recent_event_ids)?;
        write!(formatter, " snapshots_per_stream={}", limits.snapshots_per_stream)?;
        write!(formatter, " checkpoints={}", limits.checkpoints)
    }
}

impl Knobs {
    /// What is set here, and for the rest what is set there.
    fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            data: self.data.or(other.data),
            in_memory: self.in_memory.or(other.in_memory),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
            log_level: self.log_level.or(other.log_level),
            heartbeat_seconds: self.heartbeat_seconds.or(other.heartbeat_seconds),
            drain_seconds: self.drain_seconds.or(other.drain_seconds),
            segment_bytes: self.segment_bytes.or(other.segment_bytes),
            segment_events: self.segment_events.or(other.segment_events),
            disk_reserve_bytes: self.disk_reserve_bytes.or(other.disk_reserve_bytes),
            queue_bytes: self.queue_bytes.or(other.queue_bytes),
            recent_bytes: self.recent_bytes.or(other.recent_bytes),
            index_bytes: self.index_bytes.or(other.index_bytes),
            heads: self.heads.or(other.heads),
            tenants_open_max: self.tenants_open_max.or(other.tenants_open_max),
            tenant_idle_seconds: self.tenant_idle_seconds.or(other.tenant_idle_seconds),
            scrub_bytes_per_second: self.scrub_bytes_per_second.or(other.scrub_bytes_per_second),
            scrub_interval_seconds: self.scrub_interval_seconds.or(other.scrub_interval_seconds),
            worker_threads: self.worker_threads.or(other.worker_threads),
            stream_name_bytes: self.stream_name_bytes.or(other.stream_name_bytes),
            data_bytes: self.data_bytes.or(other.data_bytes),
            append_events: self.append_events.or(other.append_events),
            append_bytes: self.append_bytes.or(other.append_bytes),
            recent_event_ids: self.recent_event_ids.or(other.recent_event_ids),
            snapshots_per_stream: self.snapshots_per_stream.or(other.snapshots_per_stream),
            checkpoints: self.checkpoints.or(other.checkpoints),
        }
    }
}

/// Leaves a core to the writer, which waits for the disk and then has all answers to give.
pub fn default_worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

fn read_file(path: &PathBuf) -> Result<Knobs, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
    toml::from_str(&text).map_err(|source| Error::Wrong { path: path.clone(), source: Box::new(source) })
}

/// Refuses variables that begin with `QUIPU_` and mean nothing.
pub fn check_variables(names: impl Iterator<Item = String>) -> Result<(), Error> {
    let command = ServeArgs::augment_args(Command::new("serve"));
    let known = |name: &str| {
        let mut variables = command.get_arguments().filter_map(|argument| argument.get_env());
        variables.any(|variable| variable == name)
            || CLIENT_VARIABLES.contains(&name)
            || SEEDED_VARIABLES.contains(&name)
    };
    match names.filter(|name| name.starts_with(VARIABLE_PREFIX)).find(|name| !known(name)) {
        Some(name) => Err(Error::UnknownVariable(name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ServeArgs {
        let path = std::env::temp_dir().join(format!("quipu-{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        ServeArgs { config: Some(path), knobs: Knobs::default() }
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let mut args = file("append_events = 7\ndata_bytes = 99\n");
        args.knobs.append_events = Some(8);
        let config = Config::of(args).unwrap();
        let limits = &config.store.limits;
        assert_eq!((limits.append_events, limits.data_bytes, limits.append_bytes), (8, 99, 16 << 20));
    }

    #[test]
    fn unknown_keys_and_variables_are_refused() {
        assert!(matches!(Config::of(file("lisen = \"127.0.0.1:1\"")), Err(Error::Wrong { .. })));
        let check = |name: &str| check_variables([name.to_owned()].into_iter());
        assert!(matches!(check("QUIPU_LISEN"), Err(Error::UnknownVariable(_))));
        assert!(check("QUIPU_LISTEN").is_ok() && check("QUIPU_ENDPOINT").is_ok() && check("PATH").is_ok());
    }

    #[test]
    fn a_log_in_sled_needs_a_data_directory() {
        assert_eq!(Config::of(file("log = \"sled\"")).unwrap().log, Engine::Sled);
        let refused = Config::of(file("log = \"sled\"\nin_memory = true\n"));
        assert!(matches!(refused, Err(Error::SledInMemory)), "{refused:?}");
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        for text in ["segment_bytes = 1", "heartbeat_seconds = 0", "stream_name_bytes = 2049", "queue_bytes = 1"] {
            assert!(matches!(Config::of(file(text)), Err(Error::OutOfBounds { .. })), "{text}");
        }
    }
}
