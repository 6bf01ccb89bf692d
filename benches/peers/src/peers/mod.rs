//! The peers, a file each.

use crate::peer::Peer;

mod message_db;
mod nats;
mod nothing;
mod quipu;
mod tephra;
mod umadb;

/// All of them, in the order of the table.
pub(crate) fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(quipu::QuipuPeer),
        Box::new(quipu::QuipuByCall),
        Box::new(umadb::QuipuDoor),
        Box::new(umadb::UmaDb),
        Box::new(tephra::Tephra),
        Box::new(nats::Nats),
        Box::new(message_db::MessageDb),
        Box::new(nothing::Nothing),
    ]
}
