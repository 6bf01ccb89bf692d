//! Looking streams up by name.
//!
//! Owns [`StreamInfo`], [`StreamPage`] and the calls that return them. A stream is there as soon as
//! it has an event; there is nothing to create.

use chrono::{DateTime, Utc};

use crate::{Client, Error, proto, timestamp};

/// The most names in a page.
const PAGE_SIZE: u32 = 1_000;

/// What is known of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The stream's name.
    pub name: String,
    /// The revision of its first readable event.
    pub first_revision: u64,
    /// The revision of its last event.
    pub head_revision: u64,
    /// How many events can be read.
    pub event_count: u64,
    /// The position of its last event.
    pub last_position: u64,
    /// Server time of its first readable event.
    pub first_recorded_at: DateTime<Utc>,
    /// Server time of its last event.
    pub last_recorded_at: DateTime<Utc>,
}

/// A page of stream names, sorted by bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPage {
    /// The names.
    pub streams: Vec<String>,
    /// What to ask for the next page with; none when this was the last.
    pub next_page_token: Option<String>,
}

impl Client {
    /// What is known of a stream; none when it has no event.
    pub async fn stream(&self, name: &str) -> Result<Option<StreamInfo>, Error> {
        let request = proto::StreamsGetRequest { stream: name.to_owned() };
        let found =
            self.call(Self::stream_names, request, |mut api, request| async move { api.get(request).await }).await;
        match found {
            Ok(proto::StreamsGetResponse { stream: Some(stream) }) => stream.try_into().map(Some),
            Ok(_) => Err(Error::InvalidResponse("the stream is missing".to_owned())),
            Err(Error::StreamNotFound | Error::TenantNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of the streams whose names begin with `prefix`, at most `page_size` (0 means 100, the
    /// most is 1,000), after the page that gave `page_token`, system streams only when asked for.
    pub async fn streams(
        &self,
        prefix: &str,
        page_size: u32,
        page_token: Option<&str>,
        include_system: bool,
    ) -> Result<StreamPage, Error> {
        let request = proto::StreamsListRequest {
            prefix: prefix.to_owned(),
            category: String::new(),
            page_size,
            page_token: page_token.unwrap_or_default().to_owned(),
            include_system,
        };
        let page =
            self.call(Self::stream_names, request, |mut api, request| async move { api.list(request).await }).await?;
        Ok(StreamPage {
            streams: page.streams,
            next_page_token: Some(page.next_page_token).filter(|token| !token.is_empty()),
        })
    }

    /// The names of all streams that begin with `prefix`, page by page, without system streams.
    pub async fn all_streams(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut page = self.streams(prefix, PAGE_SIZE, None, false).await?;
        let mut all = page.streams;
        while let Some(token) = page.next_page_token {
            page = self.streams(prefix, PAGE_SIZE, Some(&token), false).await?;
            all.append(&mut page.streams);
        }
        Ok(all)
    }
}

impl TryFrom<proto::StreamInfo> for StreamInfo {
    type Error = Error;

    fn try_from(info: proto::StreamInfo) -> Result<Self, Error> {
        let (Some(first_revision), Some(head_revision)) = (info.first_revision, info.head_revision) else {
            return Err(Error::InvalidResponse("a stream's revisions are missing".to_owned()));
        };
        Ok(Self {
            name: info.stream,
            first_revision,
            head_revision,
            event_count: info.event_count,
            last_position: info.last_position,
            first_recorded_at: timestamp::required(info.first_recorded_at, "first_recorded_at")?,
            last_recorded_at: timestamp::required(info.last_recorded_at, "last_recorded_at")?,
        })
    }
}
