//! Enrolment under load.
//!
//! Owns [`run`]. Clients that work at the same time enrol few students in few courses, so both limits are
//! contended, and there are more students than seats.

use quipu_client::{Client, ReadAll};

use super::check;
use super::enrol::{enrol, offer};
use super::events::{self, Event};
use crate::load::{until_known, word_of_this_run};
use crate::{Failure, Guarding, Load, Report};

const COURSES: usize = 10;
const SEATS: usize = 20;

/// Has clients enrol students, and checks the whole log.
pub async fn run(endpoint: &str, load: Load, guarding: Guarding) -> Result<Report, Failure> {
    let (client, run) = (Client::connect(endpoint).await?, word_of_this_run());
    for course in 0..COURSES {
        offer(&client, &format!("{run}-{course}"), SEATS).await?;
    }
    let attempt = move |client: Client, number: usize| {
        let (student, course) = (format!("{run}-{}", number / COURSES), format!("{run}-{}", number % COURSES));
        async move { until_known(|| enrol(&client, &student, &course, guarding)).await }
    };
    let tally = load.run(endpoint, attempt).await?;
    let log = client.read_all(ReadAll::new().query(events::everything())).await?.collect().await?;
    let events = log.iter().map(Event::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Report { tally, broken: check::broken(&events) })
}
