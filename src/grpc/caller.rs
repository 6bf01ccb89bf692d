//! Who calls: the tenant that a request speaks for, decided once, here.

use std::sync::Arc;

use tonic::{Request, Status};

use super::Doors;
use super::status::{invalid, status};
use crate::model::{Invalid, TenantId};
use crate::store::{Absent, Error, Store};

/// The request header that names the tenant.
const TENANT_HEADER: &str = "quipu-tenant";

/// The tenant of a request.
pub(super) fn tenant<T>(request: &Request<T>) -> Result<TenantId, Status> {
    let Some(value) = request.metadata().get(TENANT_HEADER) else { return Ok(TenantId::default()) };
    let name = value.to_str().map_err(|_| invalid(Invalid::malformed("the tenant's name is not ASCII")))?;
    TenantId::new(name).map_err(invalid)
}

impl Doors {
    /// The store of a request's tenant.
    pub(super) async fn store<T>(&self, request: &Request<T>, absent: Absent) -> Result<Arc<Store>, Status> {
        self.store_of(&tenant(request)?, absent).await
    }

    /// The store of a tenant. One that is made for a request is made when the request is known to be good.
    pub(super) async fn store_of(&self, tenant: &TenantId, absent: Absent) -> Result<Arc<Store>, Status> {
        self.tenants.get(tenant, absent).await.map_err(|error| status(&error))
    }
}

/// Does what must not be left half done when the client goes away in the middle of it.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::spawn(work).await;
    done.map_err(Error::internal).and_then(|done| done).map_err(|error| status(&error))
}

/// Runs what blocks on the disk where that is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(Error::internal).and_then(|done| done).map_err(|error| status(&error))
}
