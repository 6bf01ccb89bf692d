//! Unique user names: one holder each, at any time.

use invariants::{Guarding, user_names};

use crate::server::Server;
use crate::{LOAD, assert_breaks, assert_held};

#[tokio::test(flavor = "multi_thread")]
async fn no_two_users_have_the_same_name_at_the_same_time() {
    let server = Server::in_memory();
    assert_held(&user_names::run(&server.endpoint(), LOAD, Guarding::On).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_guards_the_rule_of_user_names_breaks() {
    let server = Server::in_memory();
    let endpoint = server.endpoint();
    assert_breaks(|| user_names::run(&endpoint, LOAD, Guarding::Off)).await;
}
