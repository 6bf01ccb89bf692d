//! What one is talking to.
//!
//! Owns [`ServerInfo`] and the call for it. The limits are the wire's own message: they are plain
//! numbers, and a new one shows up without a change here.

use crate::proto::Limits;
use crate::{Client, Error, proto};

/// A server's facts.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerInfo {
    /// The server's version, such as `0.1.0`.
    pub version: String,
    /// What keeps the log: `segments` on disk, a `sled` database, or `memory`.
    pub engine: String,
    /// What an acknowledgement means: `synced` to disk, or `volatile`.
    pub durability: String,
    /// The limits in force.
    pub limits: Limits,
    /// The position of the tenant's last event; 0 when there is none.
    pub head: u64,
    /// The tenant that the client speaks for.
    pub tenant: String,
    /// Identifies the tenant's log: positions of one log mean nothing in another.
    pub log_id: String,
}

impl Client {
    /// The server's facts and the tenant's head.
    pub async fn server_info(&self) -> Result<ServerInfo, Error> {
        let facts = self
            .call(Self::facts, proto::ServerInfoGetRequest {}, |mut api, request| async move { api.get(request).await })
            .await?;
        Ok(ServerInfo {
            version: facts.version,
            engine: facts.engine,
            durability: facts.durability,
            limits: facts.limits.ok_or_else(|| Error::InvalidResponse("the limits are missing".to_owned()))?,
            head: facts.head.unwrap_or(0),
            tenant: facts.tenant,
            log_id: facts.log_id,
        })
    }
}
