//! The door that tells what this is.

use tonic::{Request, Response, Status};

use super::Doors;
use super::caller::tenant;
use super::status::status;
use crate::model::Limits;
use crate::proto::server_info_server::ServerInfo;
use crate::proto::{self, ServerInfoGetRequest, ServerInfoGetResponse};
use crate::store::{Absent, Error};

#[tonic::async_trait]
impl ServerInfo for Doors {
    async fn get(&self, request: Request<ServerInfoGetRequest>) -> Result<Response<ServerInfoGetResponse>, Status> {
        let tenant = tenant(&request)?;
        let (head, log_id) = match self.tenants.get(&tenant, Absent::Refuse).await {
            Ok(store) => (store.head().0, uuid::Uuid::from_u128(store.log_id()).to_string()),
            Err(Error::TenantNotFound(_)) => (0, String::new()),
            Err(error) => return Err(status(&error)),
        };
        let is_durable = self.tenants.is_durable();
        Ok(Response::new(ServerInfoGetResponse {
            version: env!("CARGO_PKG_VERSION").into(),
            engine: if is_durable { self.tenants.engine().to_string() } else { "memory".into() },
            durability: if is_durable { "synced" } else { "volatile" }.into(),
            limits: Some(self.limits(&self.tenants.options().limits)),
            head: Some(head),
            tenant: tenant.to_string(),
            log_id,
        }))
    }
}

impl Doors {
    fn limits(&self, limits: &Limits) -> proto::Limits {
        proto::Limits {
            stream_name_bytes: limits.stream_name_bytes as u64,
            event_type_bytes: limits.event_type_bytes as u64,
            tags_per_event: limits.tags_per_event as u64,
            tag_bytes: limits.tag_bytes as u64,
            metadata_bytes: limits.metadata_bytes as u64,
            data_bytes: limits.data_bytes as u64,
            append_events: limits.append_events as u64,
            append_bytes: limits.append_bytes as u64,
            response_bytes: limits.response_bytes as u64,
            recent_event_ids: limits.recent_event_ids as u64,
            snapshots_per_stream: limits.snapshots_per_stream as u64,
            heartbeat_interval: prost_types::Duration::try_from(self.heartbeat).ok(),
            query_items: limits.query_items as u64,
            guards: limits.guards as u64,
            checkpoints: limits.checkpoints as u64,
        }
    }
}
