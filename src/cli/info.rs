//! `quipu info`: what the server is and allows.

use std::time::Duration;

use quipu_client::ServerInfo;
use serde_json::{Map, Value, json};

use super::connection::PrintArgs;
use super::{ConnectionArgs, Error};

/// The arguments of `info`.
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    print: PrintArgs,
}

/// Tells of the server and the tenant's log.
pub(super) async fn run(args: InfoArgs) -> Result<(), Error> {
    let info = args.connection.connect().await?.server_info().await;
    let info = info.map_err(Error::call("cannot ask the server"))?;
    let limits = limits(&info);
    let value = json!({
        "version": info.version,
        "engine": info.engine,
        "durability": info.durability,
        "tenant": info.tenant,
        "head": info.head,
        "log_id": info.log_id,
        "limits": limits.iter().map(|(name, limit)| ((*name).to_owned(), limit.clone())).collect::<Map<_, _>>(),
    });
    let mut output = args.print.output();
    output.print(&value, || text(&info, &limits))?;
    output.flush()
}

/// The limits under their names in the protocol.
fn limits(info: &ServerInfo) -> Vec<(&'static str, Value)> {
    let limits = &info.limits;
    let heartbeat = limits.heartbeat_interval.and_then(|interval| Duration::try_from(interval).ok());
    let mut named = vec![
        ("stream_name_bytes", limits.stream_name_bytes),
        ("event_type_bytes", limits.event_type_bytes),
        ("tags_per_event", limits.tags_per_event),
        ("tag_bytes", limits.tag_bytes),
        ("metadata_bytes", limits.metadata_bytes),
        ("data_bytes", limits.data_bytes),
        ("append_events", limits.append_events),
        ("append_bytes", limits.append_bytes),
        ("response_bytes", limits.response_bytes),
        ("recent_event_ids", limits.recent_event_ids),
        ("snapshots_per_stream", limits.snapshots_per_stream),
        ("query_items", limits.query_items),
        ("guards", limits.guards),
        ("checkpoints", limits.checkpoints),
    ]
    .into_iter()
    .map(|(name, limit)| (name, Value::from(limit)))
    .collect::<Vec<_>>();
    if let Some(interval) = heartbeat {
        named.push(("heartbeat_interval_seconds", Value::from(interval.as_secs_f64())));
    }
    named
}

fn text(info: &ServerInfo, limits: &[(&'static str, Value)]) -> String {
    let head = info.head.to_string();
    let facts = [
        ("version", info.version.as_str()),
        ("engine", &info.engine),
        ("durability", &info.durability),
        ("tenant", &info.tenant),
        ("head", &head),
        ("log id", &info.log_id),
    ];
    // A tenant that holds nothing has no log, and so no id of it.
    let facts = facts.into_iter().filter(|(_, fact)| !fact.is_empty());
    let facts = facts.map(|(name, fact)| format!("{name:<32}  {fact}"));
    let limits = limits.iter().map(|(name, limit)| format!("limit {name:<26}  {limit}"));
    facts.chain(limits).collect::<Vec<_>>().join("\n")
}
