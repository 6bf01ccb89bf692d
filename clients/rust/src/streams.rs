//! Looking streams up by name.
//!
//! Owns [`StreamInfo`], [`StreamPage`], [`ListStreams`] and the calls about them. A stream is there as
//! soon as it has an event; there is nothing to create. How it ends is in `stream_life.rs`.

use chrono::{DateTime, Utc};

use crate::listing::{Listing, PAGE_SIZE};
use crate::{Client, Error, StreamMetadata, proto, timestamp};

/// What is known of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The stream's name.
    pub name: String,
    /// The revision of its first readable event; none when all are hidden.
    pub first_revision: Option<u64>,
    /// The revision of its last event; none when it has metadata and no event yet.
    pub head_revision: Option<u64>,
    /// How many events can be read.
    pub event_count: u64,
    /// The position of its last event; 0 when it has none.
    pub last_position: u64,
    /// Server time of its first readable event; none when all are hidden.
    pub first_recorded_at: Option<DateTime<Utc>>,
    /// Server time of its last event, if it has one.
    pub last_recorded_at: Option<DateTime<Utc>>,
    /// Its metadata, if it has any.
    pub metadata: Option<StreamMetadata>,
}

/// A page of stream names, sorted by bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPage {
    /// The names.
    pub streams: Vec<String>,
    /// What to ask for the next page with; none when this was the last.
    pub next_page_token: Option<String>,
}

/// Which streams to list: the first 100, without system streams, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct ListStreams {
    request: proto::StreamsListRequest,
}

impl ListStreams {
    /// A list of all streams.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only names that begin with this.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.request.prefix = prefix.into();
        self
    }

    /// Only streams of this category: names that begin with it and a `-`.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.request.category = category.into();
        self
    }

    /// At most so many in a page; 0 means 100, the most is 1,000.
    #[must_use]
    pub fn page_size(mut self, streams: u32) -> Self {
        self.request.page_size = streams;
        self
    }

    /// After the page that gave this token.
    #[must_use]
    pub fn page_token(mut self, token: impl Into<String>) -> Self {
        self.request.page_token = token.into();
        self
    }

    /// Also system streams, whose names start with `$`.
    #[must_use]
    pub fn include_system(mut self) -> Self {
        self.request.include_system = true;
        self
    }
}

impl Client {
    /// What is known of a stream; none when it has no event or was deleted.
    pub async fn stream(&self, name: &str) -> Result<Option<StreamInfo>, Error> {
        let request = proto::StreamsGetRequest { stream: name.to_owned() };
        let found =
            self.call(Self::stream_names, request, |mut api, request| async move { api.get(request).await }).await;
        match found {
            Ok(proto::StreamsGetResponse { stream: Some(stream) }) => stream.try_into().map(Some),
            Ok(_) => Err(Error::InvalidResponse("the stream is missing".to_owned())),
            Err(error) if error.is_absent_stream() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of stream names.
    pub async fn streams(&self, list: ListStreams) -> Result<StreamPage, Error> {
        let page = self
            .call(Self::stream_names, list.request, |mut api, request| async move { api.list(request).await })
            .await?;
        Ok(StreamPage { streams: page.streams, next_page_token: next_page(page.next_page_token) })
    }

    /// The names of the streams that are asked for, over all pages from the one named on.
    #[must_use]
    pub fn list_streams(&self, list: ListStreams) -> Listing<String> {
        let client = self.clone();
        Listing::new(move |token| {
            let (client, mut list) = (client.clone(), list.clone());
            if list.request.page_size == 0 {
                list.request.page_size = PAGE_SIZE;
            }
            if !token.is_empty() {
                list.request.page_token = token;
            }
            async move {
                let page = client.streams(list).await?;
                Ok((page.streams, page.next_page_token))
            }
        })
    }

    /// The names of all streams that begin with `prefix`, page by page, without system streams.
    pub async fn all_streams(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.list_streams(ListStreams::new().prefix(prefix)).collect().await
    }
}

/// The token of the next page, if there is one.
pub(crate) fn next_page(token: String) -> Option<String> {
    Some(token).filter(|token| !token.is_empty())
}

impl TryFrom<proto::StreamInfo> for StreamInfo {
    type Error = Error;

    fn try_from(info: proto::StreamInfo) -> Result<Self, Error> {
        Ok(Self {
            name: info.stream,
            first_revision: info.first_revision,
            head_revision: info.head_revision,
            event_count: info.event_count,
            last_position: info.last_position,
            first_recorded_at: timestamp::optional(info.first_recorded_at, "first_recorded_at")?,
            last_recorded_at: timestamp::optional(info.last_recorded_at, "last_recorded_at")?,
            metadata: info.metadata.map(StreamMetadata::try_from).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_which_streams() {
        let list = ListStreams::new().prefix("order-1").category("order").page_size(7).page_token("t").include_system();
        let expected = proto::StreamsListRequest {
            prefix: "order-1".to_owned(),
            category: "order".to_owned(),
            page_size: 7,
            page_token: "t".to_owned(),
            include_system: true,
        };
        assert_eq!(list.request, expected);
    }

    #[test]
    fn all_events_of_a_stream_may_be_hidden() {
        let wire = proto::StreamInfo {
            stream: "s".to_owned(),
            head_revision: Some(4),
            last_position: 9,
            last_recorded_at: Some(prost_types::Timestamp::default()),
            metadata: Some(proto::StreamMetadata { max_count: Some(1), ..Default::default() }),
            ..Default::default()
        };
        let info = StreamInfo::try_from(wire).expect("complete");
        assert_eq!((info.first_revision, info.first_recorded_at, info.event_count), (None, None, 0));
        assert_eq!(info.metadata.and_then(|metadata| metadata.max_count), Some(1));
    }
}
