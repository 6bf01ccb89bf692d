//! Enrolling, against the store.
//!
//! Owns [`enrol`] and [`offer`]. It reads what the decision rests on, decides, and appends under the guard
//! that nothing of the kind has come meanwhile. When something has, it reads only that and decides again.

use quipu_client::{Client, Error, Expected, Guard, Query, ReadAll};

use super::decision::{Enrolment, Refusal};
use super::events::{self, CourseOffered, Event, StudentEnrolled};
use crate::{Decided, Decision, Failure, Guarding};

/// Offers a course.
pub async fn offer(client: &Client, course: &str, seats: usize) -> Result<(), Failure> {
    let offered = CourseOffered { course: course.to_owned(), seats }.to_new()?;
    client.append(&stream_of(course), Expected::NoStream, vec![offered]).await?;
    Ok(())
}

/// Enrols a student in a course, if the rule allows it. To enrol twice is to enrol once.
pub async fn enrol(
    client: &Client,
    student: &str,
    course: &str,
    guarding: Guarding,
) -> Result<Decided<Refusal>, Failure> {
    let enrolled = StudentEnrolled { student: student.to_owned(), course: course.to_owned() }.to_new()?;
    let concerning = events::concerning(student, course);
    let mut enrolment = Enrolment::of(student, course);
    let (mut head, mut conflicts) = (0, 0);
    loop {
        head = read_on(client, &concerning, head, &mut enrolment).await?;
        match enrolment.decide() {
            Decision::Append => {}
            Decision::Done => return Ok(Decided::accepted(conflicts)),
            Decision::Refuse(refusal) => return Ok(Decided::refused(refusal, conflicts)),
        }
        let none_since = Guard::none_match(concerning.clone()).after(head);
        let (event, guards) = (vec![enrolled.clone()], guarding.guards([none_since]));
        match client.append_guarded(&stream_of(course), Expected::Any, event, guards).await {
            Ok(_) => return Ok(Decided::accepted(conflicts)),
            Err(Error::GuardNotMet { .. }) => conflicts += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Applies what has come after a position, and returns how far it has read: not to the last event found, but
/// to the head of the log.
async fn read_on(client: &Client, query: &Query, after: u64, enrolment: &mut Enrolment) -> Result<u64, Failure> {
    let read = ReadAll::new().query(query.clone()).from_position(after + 1);
    let mut reading = client.read_all(read).await?;
    while let Some(event) = reading.next().await {
        enrolment.apply(&Event::try_from(&event?)?);
    }
    Ok(reading.head().unwrap_or(after))
}

fn stream_of(course: &str) -> String {
    format!("course-{course}")
}
