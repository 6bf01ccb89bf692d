//! message-db on PostgreSQL.
//!
//! Owns a database cluster of its own, message-db's functions in it, and the calls. An append is
//! `write_message`, one of several events one statement that calls it for each. Requests of one connection are
//! pipelined, as `tokio-postgres` does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt, pin_mut};
use rustix::process::{Signal, geteuid};
use tokio::process::Command;
use tokio::time::{Instant, interval};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Statement};
use uuid::Uuid;

use crate::machine::memory_of_the_machine;
use crate::payload::EVENT_TYPE;
use crate::peer::{Client, Guard, Peer, Site, Subscriber};
use crate::server::{ASK_EVERY, START_TIMEOUT, said};
use crate::workload::Kind;

const APPEND: &str = "SELECT write_message($1, $2, $3, $4::text::jsonb, NULL, $5)";

const APPEND_MANY: &str = "SELECT max(write_message(gen_random_uuid()::varchar, $1, $2, event::jsonb, NULL, \
     $4 + place - 1)) FROM unnest($3::text[]) WITH ORDINALITY AS given(event, place)";

const READ_LOG: &str = "SELECT id::varchar, stream_name, type, position, global_position, data::varchar, \
     metadata::varchar, time FROM messages ORDER BY global_position";

const READ_STREAM: &str = "SELECT * FROM get_stream_messages($1)";

/// PostgreSQL with message-db.
#[derive(Debug)]
pub(crate) struct MessageDb;

/// PostgreSQL does not run as root: then its programs are run as the user that its package made.
fn as_its_user(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

async fn run(mut command: Command, what: &str) -> Result<()> {
    let output = command.output().await.with_context(|| format!("run {what}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what}: {}", said.trim());
    Ok(())
}

fn database(site: &Site, name: &str) -> Config {
    let mut config = Config::new();
    config.host("127.0.0.1").port(site.port).user("postgres").dbname(name);
    config
}

/// PostgreSQL listens before it lets anybody in.
async fn wait_until_it_is_open(site: &Site) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut asking = interval(ASK_EVERY);
    while let Err(error) = database(site, "postgres").connect(NoTls).await {
        ensure!(Instant::now() < deadline, "it lets nobody in: {error}");
        asking.tick().await;
    }
    Ok(())
}

#[async_trait]
impl Peer for MessageDb {
    fn name(&self) -> &'static str {
        "message-db"
    }

    fn program(&self, tools: &Path) -> PathBuf {
        tools.join("postgresql/postgres")
    }

    fn version(&self, tools: &Path) -> Result<String> {
        let version = std::fs::read_to_string(tools.join("message-db/VERSION.txt")).context("message-db's version")?;
        Ok(format!("message-db {}, {}", version.trim(), said(&self.program(tools), &["--version"])?))
    }

    async fn prepare(&self, site: &Site) -> Result<()> {
        if geteuid().is_root() {
            let mut hand_over = Command::new("chown");
            hand_over.arg("postgres:postgres").arg(&site.data);
            run(hand_over, "chown").await?;
        }
        let mut initdb = as_its_user(&site.tools.join("postgresql/initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        initdb.arg(&site.data).current_dir("/");
        run(initdb, "initdb").await
    }

    fn command(&self, site: &Site) -> Command {
        let mut command = as_its_user(&self.program(&site.tools));
        let shared_buffers = format!("shared_buffers={}MB", memory_of_the_machine() / 4 / (1 << 20));
        let port = format!("port={}", site.port);
        let settings =
            [&*port, "listen_addresses=127.0.0.1", "unix_socket_directories=", &*shared_buffers, "max_wal_size=4GB"];
        command.arg("-D").arg(&site.data).current_dir("/");
        for setting in settings {
            command.args(["-c", setting]);
        }
        command
    }

    async fn furnish(&self, site: &Site) -> Result<()> {
        wait_until_it_is_open(site).await?;
        let mut install = Command::new("bash");
        install.arg(site.tools.join("message-db/install.sh"));
        install.env("PGHOST", "127.0.0.1").env("PGPORT", site.port.to_string()).env("PGUSER", "postgres");
        run(install, "message-db's installation").await
    }

    async fn connect(&self, site: &Site) -> Result<Arc<dyn Client>> {
        let mut config = database(site, "message_store");
        config.options("-c search_path=message_store,public");
        let (client, connection) = config.connect(NoTls).await?;
        // It ends with the client, and an error is also the answer to whatever the client asks next.
        tokio::spawn(connection);
        let append = client.prepare(APPEND).await?;
        let append_many = client.prepare(APPEND_MANY).await?;
        let read_log = client.prepare(READ_LOG).await?;
        let read_stream = client.prepare(READ_STREAM).await?;
        Ok(Arc::new(Connection { client, append, append_many, read_log, read_stream }))
    }

    fn lacks(&self, kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::Live | Kind::Stalled => Some("message-db has no live subscription: its consumers poll"),
            Kind::Fill | Kind::LargeLog | Kind::Warm | Kind::Cold => {
                Some("message-db writes one message a call: the fill alone would take too long")
            }
            Kind::Guarded | Kind::Pipelined | Kind::Batch | Kind::ReadLog | Kind::ReadStream => None,
        }
    }

    fn stop_signal(&self) -> Signal {
        // To PostgreSQL, TERM means to wait until its clients have gone.
        Signal::INT
    }

    fn note(&self) -> &'static str {
        "`shared_buffers` a quarter of the memory, as PostgreSQL's manual advises, `max_wal_size` 4 GB, everything else \
         by default (`synchronous_commit` on). Client `tokio-postgres`, requests pipelined. Each client has a category \
         of its own, because `write_message` locks the category until the commit. A batch is one statement. message-db \
         has no function that reads the whole log: its table is read in order. Bytes on disk include the write-ahead \
         log."
    }
}

struct Connection {
    client: tokio_postgres::Client,
    append: Statement,
    append_many: Statement,
    read_log: Statement,
    read_stream: Statement,
}

fn expected(guard: Guard) -> Result<Option<i64>> {
    Ok(match guard {
        Guard::Nothing => None,
        Guard::NoEvent => Some(-1),
        Guard::Last(version) => Some(i64::try_from(version)?),
    })
}

#[async_trait]
impl Client for Connection {
    async fn append(&self, stream: &str, guard: Guard, events: Vec<Bytes>) -> Result<u64> {
        let events = events.iter().map(|event| std::str::from_utf8(event)).collect::<Result<Vec<_>, _>>()?;
        let expected = expected(guard)?;
        let row = if let [event] = events[..] {
            let id = Uuid::new_v4().to_string();
            self.client.query_one(&self.append, &[&id, &stream, &EVENT_TYPE, &event, &expected]).await?
        } else {
            self.client.query_one(&self.append_many, &[&stream, &EVENT_TYPE, &events, &expected]).await?
        };
        Ok(u64::try_from(row.try_get::<_, i64>(0)?)?)
    }

    async fn read_log(&self) -> Result<u64> {
        let none: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.client.query_raw(&self.read_log, none).await?;
        pin_mut!(rows);
        let mut events = 0;
        while rows.try_next().await?.is_some() {
            events += 1;
        }
        Ok(events)
    }

    async fn read_stream(&self, stream: &str) -> Result<u64> {
        Ok(self.client.query(&self.read_stream, &[&stream]).await?.len() as u64)
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscriber>> {
        bail!("there is nothing to subscribe to")
    }
}
