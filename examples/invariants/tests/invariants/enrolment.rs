//! Course enrolment: seats and courses.

use invariants::{Guarding, enrolment};

use crate::server::Server;
use crate::{LOAD, assert_breaks, assert_held};

#[tokio::test(flavor = "multi_thread")]
async fn no_course_is_overfull_and_no_student_takes_too_many_courses() {
    let server = Server::in_memory();
    assert_held(&enrolment::run(&server.endpoint(), LOAD, Guarding::On).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_guards_the_rule_of_enrolment_breaks() {
    let server = Server::in_memory();
    let endpoint = server.endpoint();
    assert_breaks(|| enrolment::run(&endpoint, LOAD, Guarding::Off)).await;
}
