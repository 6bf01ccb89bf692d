//! How many events there are of what.
//!
//! Owns [`Statistics`], [`EventTypePage`] and the calls for them. The server keeps the counts; asking for
//! them costs no look into the log.

use chrono::NaiveDate;

use crate::listing::{Listing, PAGE_SIZE};
use crate::streams::next_page;
use crate::{Client, Error, proto};

/// How many events have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCount {
    /// A type or a category.
    pub name: String,
    /// How many events.
    pub events: u64,
}

/// How many events were recorded on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyCount {
    /// The day in UTC.
    pub day: NaiveDate,
    /// How many events.
    pub events: u64,
}

/// A page of event types, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTypePage {
    /// The types.
    pub types: Vec<NamedCount>,
    /// What to ask for the next page with; none when this was the last.
    pub next_page_token: Option<String>,
}

/// The counts of a log, without events of system streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// All events.
    pub events: u64,
    /// How many streams there are, deleted ones included.
    pub streams: u64,
    /// By type, the most frequent first; at most 1,000.
    pub types: Vec<NamedCount>,
    /// By category, the most frequent first; at most 1,000. Streams without a category are not in it.
    pub categories: Vec<NamedCount>,
    /// By day, oldest first.
    pub days: Vec<DailyCount>,
    /// Events whose type is not in `types`, since there are too many types.
    pub events_of_other_types: u64,
    /// Events whose category is not in `categories`, since there are too many categories.
    pub events_of_other_categories: u64,
}

impl Client {
    /// A page of the event types that begin with `prefix`, at most `page_size` (0 means 100, the most is
    /// 1,000), after the page that gave `page_token`.
    pub async fn event_types(
        &self,
        prefix: &str,
        page_size: u32,
        page_token: Option<&str>,
    ) -> Result<EventTypePage, Error> {
        let request = proto::StreamsListEventTypesRequest {
            prefix: prefix.to_owned(),
            page_size,
            page_token: page_token.unwrap_or_default().to_owned(),
        };
        let page = self
            .call(Self::stream_names, request, |mut api, request| async move { api.list_event_types(request).await });
        let page = page.await?;
        Ok(EventTypePage { types: counts(page.types), next_page_token: next_page(page.next_page_token) })
    }

    /// All event types that begin with `prefix`, in the order of their names.
    pub fn all_event_types(&self, prefix: impl Into<String>) -> Listing<NamedCount> {
        let (client, prefix) = (self.clone(), prefix.into());
        Listing::new(move |token| {
            let (client, prefix) = (client.clone(), prefix.clone());
            async move {
                let page = client.event_types(&prefix, PAGE_SIZE, Some(&token)).await?;
                Ok((page.types, page.next_page_token))
            }
        })
    }

    /// The counts of the log by type, by category and by day.
    pub async fn statistics(&self) -> Result<Statistics, Error> {
        let request = proto::StreamsGetStatisticsRequest {};
        let counts =
            self.call(Self::stream_names, request, |mut api, request| async move { api.get_statistics(request).await });
        counts.await?.try_into()
    }
}

fn counts(counts: Vec<proto::NamedCount>) -> Vec<NamedCount> {
    counts.into_iter().map(|count| NamedCount { name: count.name, events: count.events }).collect()
}

impl TryFrom<proto::DailyCount> for DailyCount {
    type Error = Error;

    fn try_from(count: proto::DailyCount) -> Result<Self, Error> {
        let day = count.day.parse().map_err(|_| Error::InvalidResponse(format!("{:?} is no day", count.day)))?;
        Ok(Self { day, events: count.events })
    }
}

impl TryFrom<proto::StreamsGetStatisticsResponse> for Statistics {
    type Error = Error;

    fn try_from(answer: proto::StreamsGetStatisticsResponse) -> Result<Self, Error> {
        Ok(Self {
            events: answer.events,
            streams: answer.streams,
            types: counts(answer.types),
            categories: counts(answer.categories),
            days: answer.days.into_iter().map(DailyCount::try_from).collect::<Result<_, _>>()?,
            events_of_other_types: answer.events_of_other_types,
            events_of_other_categories: answer.events_of_other_categories,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day() {
        let on = |day: &str| {
            let days = vec![proto::DailyCount { day: day.to_owned(), events: 3 }];
            Statistics::try_from(proto::StreamsGetStatisticsResponse { events: 3, days, ..Default::default() })
        };
        let counted = on("2026-11-21").expect("a day");
        assert_eq!(counted.days[0].day.to_string(), "2026-11-21");
        for day in ["", "2026-11", "2026-02-30", "today"] {
            assert!(matches!(on(day), Err(Error::InvalidResponse(_))), "{day:?}");
        }
    }
}
