//! What happens at the university, and under which tags.
//!
//! Owns [`Event`], its way into the store and out of it, and the query for what a decision needs.

use quipu_client::{NewEvent, Query, QueryItem, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::Failure;

const OFFERED: &str = "CourseOffered";
const ENROLLED: &str = "StudentEnrolled";

/// A course can be taken from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CourseOffered {
    /// Which.
    pub course: String,
    /// How many students it has room for.
    pub seats: usize,
}

/// A student has taken a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudentEnrolled {
    /// Who.
    pub student: String,
    /// Where.
    pub course: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is a new course.
    Offered(CourseOffered),
    /// A student has enrolled.
    Enrolled(StudentEnrolled),
}

impl CourseOffered {
    pub(super) fn to_new(&self) -> Result<NewEvent, Failure> {
        Ok(NewEvent::json(OFFERED, self)?.with_tag(course_tag(&self.course)))
    }
}

impl StudentEnrolled {
    /// With two tags: this is what lets one event count for the course and for the student.
    pub(super) fn to_new(&self) -> Result<NewEvent, Failure> {
        Ok(NewEvent::json(ENROLLED, self)?.with_tags([course_tag(&self.course), student_tag(&self.student)]))
    }
}

impl TryFrom<&RecordedEvent> for Event {
    type Error = Failure;

    fn try_from(event: &RecordedEvent) -> Result<Self, Failure> {
        match event.event_type.as_str() {
            OFFERED => Ok(Self::Offered(event.json()?)),
            ENROLLED => Ok(Self::Enrolled(event.json()?)),
            other => Err(Failure::Foreign(other.to_owned())),
        }
    }
}

/// What the decision on a student and a course rests on: the course with its enrolments, and the student's
/// enrolments anywhere.
pub(super) fn concerning(student: &str, course: &str) -> Query {
    let of_course = QueryItem::new().types([OFFERED, ENROLLED]).tags([course_tag(course)]);
    let of_student = QueryItem::new().types([ENROLLED]).tags([student_tag(student)]);
    Query::item(of_course).or(of_student)
}

/// Everything that ever happened.
pub(super) fn everything() -> Query {
    Query::item(QueryItem::new().types([OFFERED, ENROLLED]))
}

fn course_tag(course: &str) -> String {
    format!("course:{course}")
}

fn student_tag(student: &str) -> String {
    format!("student:{student}")
}
