//! The door to consumer groups. `consuming` is a member's call, `convert` turns wire values into ours and back.

mod consuming;
mod convert;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;

use std::time::Duration;

use tonic::{Request, Response, Status, Streaming};

use super::caller::{blocking, to_the_end};
use super::status::{invalid, status};
use super::streams::{cut_page, page_of};
use super::{Doors, Responses};
use crate::model::consumer::{CREDITS_DEFAULT, CREDITS_MAX};
use crate::model::{GivenName, Invalid, Position};
use crate::proto::consumers_server::Consumers;
use crate::proto::{
    ConsumersAckRequest, ConsumersAckResponse, ConsumersConsumeRequest, ConsumersConsumeResponse,
    ConsumersCreateRequest, ConsumersCreateResponse, ConsumersDeleteRequest, ConsumersDeleteResponse,
    ConsumersDiscardParkedRequest, ConsumersDiscardParkedResponse, ConsumersFetchRequest, ConsumersFetchResponse,
    ConsumersGetRequest, ConsumersGetResponse, ConsumersListParkedRequest, ConsumersListParkedResponse,
    ConsumersListRequest, ConsumersListResponse, ConsumersPauseRequest, ConsumersPauseResponse,
    ConsumersReplayParkedRequest, ConsumersReplayParkedResponse, ConsumersResetRequest, ConsumersResetResponse,
    ConsumersResumeRequest, ConsumersResumeResponse, ConsumersUpdateRequest, ConsumersUpdateResponse, Settle,
};
use crate::store::Absent;

/// How long a fetch waits that says nothing about it.
const FETCH_DEFAULT: Duration = Duration::from_secs(10);

/// About how many bytes of events one message carries.
const MESSAGE_BYTES: usize = 1 << 20;

#[tonic::async_trait]
impl Consumers for Doors {
    async fn create(
        &self,
        request: Request<ConsumersCreateRequest>,
    ) -> Result<Response<ConsumersCreateResponse>, Status> {
        let tenant = super::caller::tenant(&request)?;
        let ConsumersCreateRequest { name, settings, start } = request.into_inner();
        let name = group_name(&name)?;
        let limits = &self.tenants.options().limits;
        let settings = convert::settings(settings.unwrap_or_default(), limits).map_err(invalid)?;
        let start = convert::start(start.unwrap_or_default()).map_err(invalid)?;
        let store = self.store_of(&tenant, Absent::Create).await?;
        let group = to_the_end(async move { store.create_group(name, settings, start).await }).await?;
        Ok(Response::new(ConsumersCreateResponse { group: Some(convert::group(group)) }))
    }

    async fn update(
        &self,
        request: Request<ConsumersUpdateRequest>,
    ) -> Result<Response<ConsumersUpdateResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersUpdateRequest { name, settings } = request.into_inner();
        let name = group_name(&name)?;
        let limits = &self.tenants.options().limits;
        let settings = convert::settings(settings.unwrap_or_default(), limits).map_err(invalid)?;
        let group = to_the_end(async move { store.update_group(&name, settings).await }).await?;
        Ok(Response::new(ConsumersUpdateResponse { group: Some(convert::group(group)) }))
    }

    async fn delete(
        &self,
        request: Request<ConsumersDeleteRequest>,
    ) -> Result<Response<ConsumersDeleteResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let name = group_name(&request.get_ref().name)?;
        to_the_end(async move { store.delete_group(&name).await }).await?;
        Ok(Response::new(ConsumersDeleteResponse {}))
    }

    async fn get(&self, request: Request<ConsumersGetRequest>) -> Result<Response<ConsumersGetResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let group = store.group(&group_name(&request.get_ref().name)?).map_err(|error| status(&error))?;
        Ok(Response::new(ConsumersGetResponse { group: Some(convert::group(group)) }))
    }

    async fn list(&self, request: Request<ConsumersListRequest>) -> Result<Response<ConsumersListResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersListRequest { prefix, page_size, page_token } = request.into_inner();
        let size = page_of(&prefix, page_size, &page_token)?;
        let mut page = store.group_page(&prefix, &page_token, size + 1);
        let next_page_token = cut_page(&mut page, size, |group| group.name.to_string());
        Ok(Response::new(ConsumersListResponse {
            groups: page.into_iter().map(convert::group).collect(),
            next_page_token,
        }))
    }

    async fn pause(&self, request: Request<ConsumersPauseRequest>) -> Result<Response<ConsumersPauseResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let name = group_name(&request.get_ref().name)?;
        store.pause_group(&name, true).await.map_err(|error| status(&error))?;
        Ok(Response::new(ConsumersPauseResponse {}))
    }

    async fn resume(
        &self,
        request: Request<ConsumersResumeRequest>,
    ) -> Result<Response<ConsumersResumeResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let name = group_name(&request.get_ref().name)?;
        store.pause_group(&name, false).await.map_err(|error| status(&error))?;
        Ok(Response::new(ConsumersResumeResponse {}))
    }

    async fn reset(&self, request: Request<ConsumersResetRequest>) -> Result<Response<ConsumersResetResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersResetRequest { name, start } = request.into_inner();
        let start = convert::start(start.unwrap_or_default()).map_err(invalid)?;
        let settled = store.reset_group(&group_name(&name)?, start).await.map_err(|error| status(&error))?;
        Ok(Response::new(ConsumersResetResponse { settled_position: settled.0 }))
    }

    type ConsumeStream = Responses<ConsumersConsumeResponse>;

    async fn consume(
        &self,
        request: Request<Streaming<ConsumersConsumeRequest>>,
    ) -> Result<Response<Self::ConsumeStream>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        Ok(Response::new(consuming::begin(store, request.into_inner(), self.heartbeat, self.metrics.clone())))
    }

    async fn fetch(&self, request: Request<ConsumersFetchRequest>) -> Result<Response<ConsumersFetchResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersFetchRequest { group, member, max, timeout } = request.into_inner();
        let (group, member) = (group_name(&group)?, member_name(&member)?);
        let max = if max == 0 { CREDITS_DEFAULT } else { max };
        Invalid::check("credits", CREDITS_MAX as usize, max as usize).map_err(invalid)?;
        let timeout = super::convert::patience(timeout, FETCH_DEFAULT).map_err(invalid)?;
        let found = store.fetch(&group, &member, max as usize, timeout).await.map_err(|error| status(&error))?;
        self.metrics.delivered(found.len());
        Ok(Response::new(ConsumersFetchResponse { deliveries: found.into_iter().map(convert::delivery).collect() }))
    }

    async fn ack(&self, request: Request<ConsumersAckRequest>) -> Result<Response<ConsumersAckResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersAckRequest { group, member, ack, nack } = request.into_inner();
        let (group, member) = (group_name(&group)?, member_name(&member)?);
        let outcomes = convert::outcomes(Settle { ack, nack }).map_err(invalid)?;
        let settled = store.settle(&group, &member, outcomes).await.map_err(|error| status(&error))?;
        let (settled, not_settled) = convert::settled(settled);
        Ok(Response::new(ConsumersAckResponse { settled, not_settled }))
    }

    async fn list_parked(
        &self,
        request: Request<ConsumersListParkedRequest>,
    ) -> Result<Response<ConsumersListParkedResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersListParkedRequest { group, page_size, page_token } = request.into_inner();
        let size = page_of("", page_size, &page_token)?;
        let from = if page_token.is_empty() { Ok(0) } else { page_token.parse() };
        let from = from.map_err(|_| invalid(Invalid::malformed("the page token is of another list")))?;
        let group = group_name(&group)?;
        let mut page = blocking(move || store.parked_page(&group, Position(from), size + 1, MESSAGE_BYTES)).await?;
        let next = page.get(size).map(|parked| parked.event.position().0);
        page.truncate(size);
        let last = page.last().map(|parked| parked.event.position().0);
        let is_cut = page.iter().map(|parked| parked.event.bytes().len()).sum::<usize>() >= MESSAGE_BYTES;
        let next = next.or_else(|| last.filter(|_| is_cut).map(|last| last + 1));
        Ok(Response::new(ConsumersListParkedResponse {
            events: page.into_iter().map(convert::parked).collect(),
            next_page_token: next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }

    async fn replay_parked(
        &self,
        request: Request<ConsumersReplayParkedRequest>,
    ) -> Result<Response<ConsumersReplayParkedResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersReplayParkedRequest { group, positions } = request.into_inner();
        let positions = positions.into_iter().map(Position).collect();
        let replayed = store.replay_parked(&group_name(&group)?, positions).await.map_err(|error| status(&error))?;
        Ok(Response::new(ConsumersReplayParkedResponse { replayed: replayed as u64 }))
    }

    async fn discard_parked(
        &self,
        request: Request<ConsumersDiscardParkedRequest>,
    ) -> Result<Response<ConsumersDiscardParkedResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let ConsumersDiscardParkedRequest { group, positions } = request.into_inner();
        let positions = positions.into_iter().map(Position).collect();
        let discarded = store.discard_parked(&group_name(&group)?, positions).await.map_err(|error| status(&error))?;
        Ok(Response::new(ConsumersDiscardParkedResponse { discarded: discarded as u64 }))
    }
}

fn group_name(name: &str) -> Result<GivenName, Status> {
    GivenName::new("the consumer group's name", name).map_err(invalid)
}

fn member_name(name: &str) -> Result<GivenName, Status> {
    GivenName::new("the member's name", name).map_err(invalid)
}
