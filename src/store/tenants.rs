//! Which stores are open.
//!
//! A tenant's store opens when it is first asked for and closes when nobody has used it for a while.
//! Opening and closing of one tenant exclude each other; other tenants do not notice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::consumers::GroupInfo;
use super::home::Engine;
use super::store::{Condition, Store};
use super::{Error, Home, StoreOptions};
use crate::log;
use crate::metrics::Metrics;
use crate::model::TenantId;

/// What to do about a tenant that holds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Make it.
    Create,
    /// Say so.
    Refuse,
}

type Slot = Arc<tokio::sync::Mutex<()>>;

/// The stores of a server.
#[derive(Debug)]
pub struct Tenants {
    home: Home,
    options: StoreOptions,
    metrics: Arc<Metrics>,
    open_max: usize,
    open: RwLock<HashMap<TenantId, Arc<Store>>>,
    /// Taken by whoever opens or closes a tenant.
    slots: Mutex<HashMap<TenantId, Slot>>,
    condition: watch::Sender<Condition>,
    /// What the scrub has met.
    pub(super) damage: Mutex<HashMap<TenantId, Vec<Arc<log::Error>>>>,
}

impl Tenants {
    /// The tenants of a data directory, none of them open; at most `open_max` at once.
    pub fn new(home: Home, options: StoreOptions, metrics: Arc<Metrics>, open_max: usize) -> Arc<Self> {
        let (condition, _) = watch::channel(Condition::Serving);
        Arc::new(Self {
            home,
            options,
            metrics,
            open_max,
            open: RwLock::default(),
            slots: Mutex::default(),
            condition,
            damage: Mutex::default(),
        })
    }

    /// The worst condition of all stores, now and from now on.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    /// Waits until stores no longer serve, and tells why.
    pub async fn gone(&self) -> Error {
        let mut condition = self.condition.subscribe();
        let gone = condition.wait_for(|condition| *condition != Condition::Serving).await;
        // It can not fail: the sender lives as long as this does.
        gone.map_or(Error::ShuttingDown, |condition| condition.why_gone())
    }

    /// The limits of requests.
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Whether stores outlive the process.
    pub fn is_durable(&self) -> bool {
        self.home.disk().is_durable()
    }

    /// What logs lie in.
    pub fn engine(&self) -> Engine {
        self.home.engine()
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The store of a tenant if it is open, which does not count as a use of it.
    pub(super) fn open_store(&self, tenant: &TenantId) -> Option<Arc<Store>> {
        self.open.read().expect("no panic under this lock").get(tenant).cloned()
    }

    /// The store of a tenant, opened if it was not.
    pub async fn get(self: &Arc<Self>, tenant: &TenantId, absent: Absent) -> Result<Arc<Store>, Error> {
        if let Some(store) = self.opened(tenant) {
            return Ok(store);
        }
        // Names that hold nothing must not pile up among the slots.
        if absent == Absent::Refuse && !self.home.has(tenant)? {
            return Err(Error::TenantNotFound(tenant.to_string()));
        }
        let slot = self.slots.lock().expect("no panic under this lock").entry(tenant.clone()).or_default().clone();
        let _taken = slot.lock().await;
        if let Some(store) = self.opened(tenant) {
            return Ok(store);
        }
        if *self.condition.borrow() != Condition::Serving {
            return Err(Error::ShuttingDown);
        }
        let (tenants, tenant) = (self.clone(), tenant.clone());
        tokio::task::spawn_blocking(move || tenants.open(&tenant)).await.map_err(Error::internal)?
    }

    /// Closes stores that nobody has used for `idle`. The default tenant stays open.
    pub async fn close_idle(self: &Arc<Self>, idle: Duration) {
        let names: Vec<TenantId> = self.open.read().expect("no panic under this lock").keys().cloned().collect();
        for tenant in names {
            let slot = self.slots.lock().expect("no panic under this lock").get(&tenant).cloned();
            let (Some(slot), false) = (slot, tenant == TenantId::default()) else { continue };
            let _taken = slot.lock().await;
            let Some(store) = self.take_unused(&tenant, idle) else { continue };
            if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
                tracing::error!(%tenant, "closing a store panicked");
            }
            tracing::info!(%tenant, "closed an idle store");
        }
    }

    /// How the consumer groups of all open stores are doing.
    pub fn groups(&self) -> Vec<(TenantId, GroupInfo)> {
        let open = self.open.read().expect("no panic under this lock");
        let of = |(tenant, store): (&TenantId, &Arc<Store>)| {
            let tenant = tenant.clone();
            store.group_page("", "", usize::MAX).into_iter().map(move |group| (tenant.clone(), group))
        };
        open.iter().flat_map(of).collect()
    }

    /// Lets nothing new in: appends are refused, subscriptions end.
    pub fn stop(&self) {
        Condition::stop(&self.condition);
        self.open.read().expect("no panic under this lock").values().for_each(|store| store.stop());
    }

    /// Answers what was asked and closes all stores. Blocks on the disk.
    pub fn close(&self) {
        self.stop();
        let stores: Vec<_> = self.open.write().expect("no panic under this lock").drain().collect();
        for (_, store) in stores {
            store.close();
        }
    }

    fn opened(&self, tenant: &TenantId) -> Option<Arc<Store>> {
        let store = self.open_store(tenant)?;
        store.touch();
        Some(store)
    }

    fn open(self: &Arc<Self>, tenant: &TenantId) -> Result<Arc<Store>, Error> {
        if self.open.read().expect("no panic under this lock").len() >= self.open_max {
            return Err(Error::TooManyTenants);
        }
        let disk = self.home.disk_of(tenant)?;
        let store = Store::open(disk, &self.home.tenant(tenant), &self.options, self.metrics.clone())?;
        self.watch(store.condition());
        self.open.write().expect("no panic under this lock").insert(tenant.clone(), store.clone());
        Ok(store)
    }

    fn take_unused(&self, tenant: &TenantId, idle: Duration) -> Option<Arc<Store>> {
        let mut open = self.open.write().expect("no panic under this lock");
        let store = open.get(tenant)?;
        let unused = Arc::strong_count(store) == 1 && store.idle() >= idle;
        if unused { open.remove(tenant) } else { None }
    }

    /// One poisoned store stops the server: the disk that refused it is everyone's.
    fn watch(self: &Arc<Self>, mut store: watch::Receiver<Condition>) {
        let tenants = Arc::downgrade(self);
        tokio::spawn(async move {
            if store.wait_for(|condition| *condition == Condition::Poisoned).await.is_ok()
                && let Some(tenants) = tenants.upgrade()
            {
                tenants.condition.send_replace(Condition::Poisoned);
            }
        });
    }
}
