//! Whether a student may enrol in a course.
//!
//! Owns [`Enrolment`]: what is known of one student and one course, and the rule. Pure: the same events in
//! the same order give the same decision.

use super::events::Event;
use crate::Decision;

/// How many courses a student may take.
pub const COURSES_MAX: usize = 5;

/// Why a student may not enrol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody offers this course.
    NoSuchCourse,
    /// All seats are taken.
    CourseFull,
    /// The student takes as many courses as one may.
    TooManyCourses,
}

/// What is known of a student and a course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    student: String,
    course: String,
    seats: Option<usize>,
    seats_taken: usize,
    courses_taken: usize,
    enrolled: bool,
}

impl Enrolment {
    /// Nothing is known yet.
    #[must_use]
    pub fn of(student: &str, course: &str) -> Self {
        let (student, course) = (student.to_owned(), course.to_owned());
        Self { student, course, seats: None, seats_taken: 0, courses_taken: 0, enrolled: false }
    }

    /// One more event is known.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Offered(offered) if offered.course == self.course => self.seats = Some(offered.seats),
            Event::Offered(_) => {}
            Event::Enrolled(enrolled) => {
                let (same_course, same_student) = (enrolled.course == self.course, enrolled.student == self.student);
                self.seats_taken += usize::from(same_course);
                self.courses_taken += usize::from(same_student);
                self.enrolled |= same_course && same_student;
            }
        }
    }

    /// The rule.
    #[must_use]
    pub fn decide(&self) -> Decision<Refusal> {
        let Some(seats) = self.seats else { return Decision::Refuse(Refusal::NoSuchCourse) };
        if self.enrolled {
            Decision::Done
        } else if self.seats_taken >= seats {
            Decision::Refuse(Refusal::CourseFull)
        } else if self.courses_taken >= COURSES_MAX {
            Decision::Refuse(Refusal::TooManyCourses)
        } else {
            Decision::Append
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolment::{CourseOffered, StudentEnrolled};

    fn offered(course: &str, seats: usize) -> Event {
        Event::Offered(CourseOffered { course: course.to_owned(), seats })
    }

    fn enrolled(student: &str, course: &str) -> Event {
        Event::Enrolled(StudentEnrolled { student: student.to_owned(), course: course.to_owned() })
    }

    /// The decision on Ada and knots.
    fn decision(events: &[Event]) -> Decision<Refusal> {
        let mut enrolment = Enrolment::of("ada", "knots");
        events.iter().for_each(|event| enrolment.apply(event));
        enrolment.decide()
    }

    #[test]
    fn a_course_that_nobody_offers_cannot_be_taken() {
        assert_eq!(decision(&[]), Decision::Refuse(Refusal::NoSuchCourse));
        assert_eq!(decision(&[offered("ropes", 9)]), Decision::Refuse(Refusal::NoSuchCourse));
    }

    #[test]
    fn seats_are_taken_until_there_are_none() {
        let mut events = vec![offered("knots", 2), enrolled("bob", "knots")];
        assert_eq!(decision(&events), Decision::Append);
        events.push(enrolled("cy", "knots"));
        assert_eq!(decision(&events), Decision::Refuse(Refusal::CourseFull));
    }

    #[test]
    fn a_student_takes_courses_up_to_the_limit() {
        let mut events = vec![offered("knots", 2)];
        events.extend((1..COURSES_MAX).map(|course| enrolled("ada", &course.to_string())));
        assert_eq!(decision(&events), Decision::Append);
        events.push(enrolled("ada", "one more"));
        assert_eq!(decision(&events), Decision::Refuse(Refusal::TooManyCourses));
    }

    #[test]
    fn who_is_enrolled_has_nothing_left_to_do_even_when_the_course_is_full_by_now() {
        assert_eq!(decision(&[offered("knots", 1), enrolled("ada", "knots")]), Decision::Done);
    }
}
