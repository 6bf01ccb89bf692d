//! The door to snapshots.

use tonic::{Request, Response, Status};

use super::caller::blocking;
use super::status::{invalid, status};
use super::{Doors, convert};
use crate::model::{Invalid, Revision, StreamName};
use crate::proto::snapshots_server::Snapshots;
use crate::proto::{
    SnapshotInfo, SnapshotsDeleteRequest, SnapshotsDeleteResponse, SnapshotsGetRequest, SnapshotsGetResponse,
    SnapshotsListRequest, SnapshotsListResponse, SnapshotsSaveRequest, SnapshotsSaveResponse,
};
use crate::store::{Absent, Error};

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
}
