//! Clients side by side, who write down what they are told.

use std::cell::RefCell;

use futures_util::future::join_all;
use quipu::store::Store;

use crate::chance::Chance;
use crate::client::Client;
use crate::witness::Witness;

/// How much is appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// How many clients there are.
    pub(crate) clients: u64,
    /// How many requests each of them makes.
    pub(crate) requests: u64,
    /// The largest payload.
    pub(crate) data_bytes: u64,
}

/// A few small requests one after another: the same calls to the disk every time.
pub(crate) const SMALL: Load = Load { clients: 1, requests: 24, data_bytes: 700 };

/// Many clients at once.
pub(crate) const LARGE: Load = Load { clients: 8, requests: 25, data_bytes: 3000 };

/// How many things there are of which each may be claimed once, by whoever comes first.
pub(crate) const CLAIMS: u64 = 12;

/// The tag of such a claim.
pub(crate) fn claim(number: u64) -> String {
    format!("claim:{number}")
}

impl Load {
    /// Runs until all requests are answered or the store is gone.
    pub(crate) fn run(self, store: &Store, witness: &mut Witness, seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let told = RefCell::new(std::mem::take(witness));
        let mut chance = Chance::of(seed);
        let clients = (0..self.clients).map(|number| {
            let name = format!("{number}-{:x}", chance.number());
            Client::new(self, store, &told, Chance::of(chance.number()), &name)
        });
        runtime.block_on(join_all(clients.map(Client::work)));
        *witness = told.into_inner();
    }
}
