//! Whether the log keeps the rule of enrolment.
//!
//! Owns [`broken`], which goes through all events of all courses and students, in the order of the log. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::decision::COURSES_MAX;
use super::events::Event;

/// Where the events break the rule, a line each.
pub(super) fn broken(events: &[Event]) -> Vec<String> {
    let mut seats: BTreeMap<&str, usize> = BTreeMap::new();
    let mut students: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut courses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut broken = Vec::new();
    for event in events {
        match event {
            Event::Offered(offered) => {
                seats.insert(&offered.course, offered.seats);
            }
            Event::Enrolled(it) => {
                courses.entry(&it.student).or_default().insert(&it.course);
                if !students.entry(&it.course).or_default().insert(&it.student) {
                    broken.push(format!("student {} is in course {} twice", it.student, it.course));
                }
            }
        }
    }
    for (course, students) in students {
        let (taken, seats) = (students.len(), seats.get(course).copied().unwrap_or(0));
        if taken > seats {
            broken.push(format!("course {course} has {seats} seats and {taken} students"));
        }
    }
    for (student, courses) in courses.into_iter().filter(|(_, courses)| courses.len() > COURSES_MAX) {
        broken.push(format!("student {student} takes {} courses of at most {COURSES_MAX}", courses.len()));
    }
    broken
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

    #[test]
    fn every_way_to_break_the_rule_is_seen() {
        let mut events = vec![offered("knots", 2), enrolled("ada", "knots"), enrolled("bob", "knots")];
        assert!(broken(&events).is_empty());
        events.extend([enrolled("cy", "knots"), enrolled("bob", "knots")]);
        for course in ["1", "2", "3", "4", "5"] {
            events.extend([offered(course, 1), enrolled("ada", course)]);
        }
        let expected = [
            "student bob is in course knots twice",
            "course knots has 2 seats and 3 students",
            "student ada takes 6 courses of at most 5",
        ];
        assert_eq!(broken(&events), expected);
    }
}
