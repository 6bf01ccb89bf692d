//! Course enrolment: a course has so many seats, and a student takes so many courses.
//!
//! The decision rests on events of two kinds of stream at once: all enrolments in the course and all
//! enrolments of the student. A query over their tags finds exactly these, and the guard says that none has
//! come since they were read. Enrolments that touch neither the course nor the student do not get in the way.

mod check;
mod decision;
mod enrol;
mod events;
mod load;

pub use decision::{COURSES_MAX, Enrolment, Refusal};
pub use enrol::{enrol, offer};
pub use events::{CourseOffered, Event, StudentEnrolled};
pub use load::run;
