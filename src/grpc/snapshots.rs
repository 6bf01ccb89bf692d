//! The door to snapshots.

use tonic::{Request, Response, Status};

use super::caller::{blocking, to_the_end};
use super::status::{invalid, status};
use super::{Doors, convert};
use crate::model::{Invalid, Revision, StreamName};
use crate::proto::snapshots_get_state_request::At;
use crate::proto::snapshots_server::Snapshots;
use crate::proto::{
    SnapshotInfo, SnapshotPolicy, SnapshotsDeletePolicyRequest, SnapshotsDeletePolicyResponse, SnapshotsDeleteRequest,
    SnapshotsDeleteResponse, SnapshotsGetRequest, SnapshotsGetResponse, SnapshotsGetStateRequest,
    SnapshotsGetStateResponse, SnapshotsListPoliciesRequest, SnapshotsListPoliciesResponse, SnapshotsListRequest,
    SnapshotsListResponse, SnapshotsSaveRequest, SnapshotsSaveResponse, SnapshotsSetPolicyRequest,
    SnapshotsSetPolicyResponse,
};
use crate::store::folding::AsOf;
use crate::store::{Absent, Error, check_policy};

impl Doors {
    fn stream(&self, name: &str) -> Result<StreamName, Status> {
        StreamName::for_read(name, &self.tenants.options().limits).map_err(invalid)
    }
}

#[tonic::async_trait]
impl Snapshots for Doors {
    async fn save(&self, request: Request<SnapshotsSaveRequest>) -> Result<Response<SnapshotsSaveResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let snapshot = convert::snapshot(request.get_ref(), &self.tenants.options().limits).map_err(invalid)?;
        let saved_at = store.save_snapshot(snapshot).await.map_err(|error| status(&error))?;
        Ok(Response::new(SnapshotsSaveResponse { saved_at: Some(convert::time(saved_at)) }))
    }

    async fn get(&self, request: Request<SnapshotsGetRequest>) -> Result<Response<SnapshotsGetResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let stream = self.stream(&request.stream)?;
        let until = request.at_or_before_revision.map(Revision);
        let snapshot = blocking(move || {
            let found = store.snapshot(&stream, until)?;
            found.map(|(_, bytes)| bytes).ok_or(Error::SnapshotNotFound(stream))
        })
        .await?;
        Ok(Response::new(SnapshotsGetResponse { snapshot }))
    }

    async fn list(&self, request: Request<SnapshotsListRequest>) -> Result<Response<SnapshotsListResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let stream = self.stream(&request.into_inner().stream)?;
        let rows = blocking(move || store.snapshots(&stream)).await?;
        let info = |row: crate::store::SnapshotInfo| SnapshotInfo {
            revision: Some(row.revision.0),
            saved_at: Some(convert::time(row.saved_at)),
            size_bytes: u64::from(row.size),
        };
        Ok(Response::new(SnapshotsListResponse { snapshots: rows.into_iter().map(info).collect() }))
    }

    async fn delete(
        &self,
        request: Request<SnapshotsDeleteRequest>,
    ) -> Result<Response<SnapshotsDeleteResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let request = request.into_inner();
        let stream = self.stream(&request.stream)?;
        if stream.is_system() {
            return Err(invalid(Invalid::malformed("streams that start with `$` belong to the store")));
        }
        let revision = request.revision.map(Revision);
        let (looking, wanted) = (store.clone(), stream.clone());
        let rows = blocking(move || looking.snapshots(&wanted)).await?;
        if !rows.iter().any(|row| revision.is_none_or(|revision| revision == row.revision)) {
            return Err(status(&Error::SnapshotNotFound(stream)));
        }
        let deleted = store.delete_snapshots(stream, revision).await.map_err(|error| status(&error))?;
        Ok(Response::new(SnapshotsDeleteResponse { deleted: deleted as u64 }))
    }

    async fn get_state(
        &self,
        request: Request<SnapshotsGetStateRequest>,
    ) -> Result<Response<SnapshotsGetStateResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let SnapshotsGetStateRequest { stream, at, without_snapshot } = request.into_inner();
        let stream = self.stream(&stream)?;
        let at = match at {
            None => AsOf::Now,
            Some(At::Revision(revision)) => AsOf::Revision(Revision(revision)),
            Some(At::Time(time)) => AsOf::Time(convert::time_in(time).map_err(invalid)?),
        };
        let folded = blocking(move || store.state(&stream, at, !without_snapshot)).await?;
        Ok(Response::new(SnapshotsGetStateResponse {
            data: folded.state.to_string().into(),
            revision: Some(folded.revision.0),
            snapshot_revision: folded.snapshot.map(|revision| revision.0),
            events: folded.events,
        }))
    }

    async fn set_policy(
        &self,
        request: Request<SnapshotsSetPolicyRequest>,
    ) -> Result<Response<SnapshotsSetPolicyResponse>, Status> {
        let tenant = super::caller::tenant(&request)?;
        let SnapshotPolicy { category, every_events } = request.into_inner().policy.unwrap_or_default();
        check_policy(&category, every_events).map_err(invalid)?;
        let store = self.store_of(&tenant, Absent::Create).await?;
        to_the_end(async move { store.set_policy(&category, every_events).await }).await?;
        Ok(Response::new(SnapshotsSetPolicyResponse {}))
    }

    async fn list_policies(
        &self,
        request: Request<SnapshotsListPoliciesRequest>,
    ) -> Result<Response<SnapshotsListPoliciesResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let policy = |(category, every_events)| SnapshotPolicy { category, every_events };
        Ok(Response::new(SnapshotsListPoliciesResponse {
            policies: store.policies().into_iter().map(policy).collect(),
        }))
    }

    async fn delete_policy(
        &self,
        request: Request<SnapshotsDeletePolicyRequest>,
    ) -> Result<Response<SnapshotsDeletePolicyResponse>, Status> {
        let store = self.store(&request, Absent::Refuse).await?;
        let category = request.into_inner().category;
        to_the_end(async move { store.delete_policy(&category).await }).await?;
        Ok(Response::new(SnapshotsDeletePolicyResponse {}))
    }
}
