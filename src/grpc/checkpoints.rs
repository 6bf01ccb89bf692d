//! The door to the checkpoints of named consumers.

use std::time::Duration;

use tonic::{Request, Response, Status};

use super::status::{invalid, status};
use super::streams::{cut_page, page_of};
use super::{Doors, convert};
use crate::model::{CheckpointName, Position};
use crate::proto::checkpoints_server::Checkpoints;
use crate::proto::{
    CheckpointsDeleteRequest, CheckpointsDeleteResponse, CheckpointsGetRequest, CheckpointsGetResponse,
    CheckpointsListRequest, CheckpointsListResponse, CheckpointsSetRequest, CheckpointsSetResponse,
    CheckpointsWaitRequest, CheckpointsWaitResponse, ConsumerCheckpoint,
};
use crate::store::{Absent, Checkpoint, CheckpointChange, Error};

/// How long a wait lasts that says nothing about it.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);

#[tonic::async_trait]
impl Checkpoints for Doors {
    async fn get(&self, request: Request<CheckpointsGetRequest>) -> Result<Response<CheckpointsGetResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let name = name(&request.get_ref().name)?;
        let found = store.checkpoint(&name).ok_or_else(|| status(&Error::CheckpointNotFound(name.clone())))?;
        Ok(Response::new(CheckpointsGetResponse { checkpoint: Some(row(&name, found)) }))
    }

    async fn set(&self, request: Request<CheckpointsSetRequest>) -> Result<Response<CheckpointsSetResponse>, Status> {
        let name = name(&request.get_ref().name)?;
        let store = self.store(&request, Absent::Create).await?;
        let request = request.into_inner();
        let expected = request.expected.map(|expected| expected.position.map(Position));
        let change = CheckpointChange::Set { name: name.clone(), position: Position(request.position), expected };
        let set = store.change_checkpoint(change).await.map_err(|error| status(&error))?;
        Ok(Response::new(CheckpointsSetResponse { checkpoint: set.map(|set| row(&name, set)) }))
    }

    async fn list(
        &self,
        request: Request<CheckpointsListRequest>,
    ) -> Result<Response<CheckpointsListResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let CheckpointsListRequest { prefix, page_size, page_token } = request.into_inner();
        let size = page_of(&prefix, page_size, &page_token)?;
        let mut page = store.checkpoint_page(&prefix, &page_token, size + 1);
        let next_page_token = cut_page(&mut page, size, |(name, _)| name.to_string());
        let checkpoints = page.iter().map(|(name, checkpoint)| row(name, *checkpoint)).collect();
        Ok(Response::new(CheckpointsListResponse { checkpoints, next_page_token }))
    }

    async fn delete(
        &self,
        request: Request<CheckpointsDeleteRequest>,
    ) -> Result<Response<CheckpointsDeleteResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let change = CheckpointChange::Delete(name(&request.get_ref().name)?);
        store.change_checkpoint(change).await.map_err(|error| status(&error))?;
        Ok(Response::new(CheckpointsDeleteResponse {}))
    }

    async fn wait(
        &self,
        request: Request<CheckpointsWaitRequest>,
    ) -> Result<Response<CheckpointsWaitResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let name = name(&request.name)?;
        let timeout = convert::patience(request.timeout, WAIT_DEFAULT).map_err(invalid)?;
        let until = Position(request.position);
        let found = store.wait_for_checkpoint(&name, until, timeout).await.map_err(|error| status(&error))?;
        let reached = found.is_some_and(|found| found.position >= until);
        Ok(Response::new(CheckpointsWaitResponse { reached, position: found.map(|found| found.position.0) }))
    }
}

fn name(name: &str) -> Result<CheckpointName, Status> {
    CheckpointName::new(name).map_err(invalid)
}

fn row(name: &CheckpointName, checkpoint: Checkpoint) -> ConsumerCheckpoint {
    ConsumerCheckpoint {
        name: name.to_string(),
        position: checkpoint.position.0,
        updated_at: Some(convert::time(checkpoint.updated_at)),
    }
}
