//! What is to be done with a stream's events, and its end.
//!
//! Owns [`StreamMetadata`] and the calls that hide events of a stream: by its metadata, by a deletion, or
//! by a tombstone. They hide them from whoever asks for the stream; the log keeps them.

use std::collections::HashMap;
use std::time::Duration;

use crate::{Client, Error, Expected, proto};

/// What is to be done with a stream's events, and what its owner notes about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamMetadata {
    /// Events older than this are hidden.
    pub max_age: Option<Duration>,
    /// Only so many of the newest events are shown.
    pub max_count: Option<u64>,
    /// Events before this revision, exclusive, are hidden.
    pub truncate_before: Option<u64>,
    /// Free text pairs, opaque to the store.
    pub properties: HashMap<String, String>,
}

/// All calls return the position of the event that says so, are retried while the server is unavailable,
/// and fail with [`Error::WrongExpectedRevision`] when the stream is not as expected; a retry may meet
/// that after a first try that worked and whose answer was lost.
impl Client {
    /// Replaces a stream's metadata, also before its first event. [`Error::StreamTombstoned`] when the
    /// stream was deleted for good.
    pub async fn set_stream_metadata(
        &self,
        stream: &str,
        metadata: StreamMetadata,
        expected: Expected,
    ) -> Result<u64, Error> {
        let metadata = (metadata != StreamMetadata::default()).then(|| metadata.try_into()).transpose()?;
        let request =
            proto::StreamsSetMetadataRequest { stream: stream.to_owned(), metadata, expected: Some(expected.into()) };
        let set =
            self.call(Self::stream_names, request, |mut api, request| async move { api.set_metadata(request).await });
        Ok(set.await?.position)
    }

    /// Deletes a stream: its events and snapshots are no longer found under its name. An append revives
    /// it, with what was before still hidden. [`Error::StreamNotFound`] when it never had an event,
    /// [`Error::StreamTombstoned`] when it was deleted for good.
    pub async fn delete_stream(&self, stream: &str, expected: Expected) -> Result<u64, Error> {
        let request = proto::StreamsDeleteRequest { stream: stream.to_owned(), expected: Some(expected.into()) };
        let deleted =
            self.call(Self::stream_names, request, |mut api, request| async move { api.delete(request).await });
        Ok(deleted.await?.position)
    }

    /// Deletes a stream for good, or a name that must never be used: no append to it goes in any more.
    /// There is no way back.
    pub async fn tombstone_stream(&self, stream: &str, expected: Expected) -> Result<u64, Error> {
        let request = proto::StreamsTombstoneRequest { stream: stream.to_owned(), expected: Some(expected.into()) };
        let ended =
            self.call(Self::stream_names, request, |mut api, request| async move { api.tombstone(request).await });
        Ok(ended.await?.position)
    }
}

impl TryFrom<StreamMetadata> for proto::StreamMetadata {
    type Error = Error;

    fn try_from(metadata: StreamMetadata) -> Result<Self, Error> {
        let too_long = |_| Error::InvalidArgument("max_age is too long".to_owned());
        Ok(Self {
            max_age: metadata.max_age.map(TryInto::try_into).transpose().map_err(too_long)?,
            max_count: metadata.max_count,
            truncate_before: metadata.truncate_before,
            properties: metadata.properties,
        })
    }
}

impl TryFrom<proto::StreamMetadata> for StreamMetadata {
    type Error = Error;

    fn try_from(metadata: proto::StreamMetadata) -> Result<Self, Error> {
        let negative = |_| Error::InvalidResponse("max_age is negative".to_owned());
        Ok(Self {
            max_age: metadata.max_age.map(Duration::try_from).transpose().map_err(negative)?,
            max_count: metadata.max_count,
            truncate_before: metadata.truncate_before,
            properties: metadata.properties,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_over_the_wire_and_back() {
        let full = StreamMetadata {
            max_age: Some(Duration::new(86_400, 5)),
            max_count: Some(1),
            truncate_before: Some(0),
            properties: HashMap::from([("owner".to_owned(), "ada".to_owned())]),
        };
        for metadata in [StreamMetadata::default(), full] {
            let wire = proto::StreamMetadata::try_from(metadata.clone()).expect("short enough");
            assert_eq!(StreamMetadata::try_from(wire).expect("in range"), metadata);
        }
    }

    #[test]
    fn refuses_an_age_that_is_none() {
        let endless = StreamMetadata { max_age: Some(Duration::MAX), ..Default::default() };
        assert!(matches!(proto::StreamMetadata::try_from(endless), Err(Error::InvalidArgument(_))));
        let max_age = Some(prost_types::Duration { seconds: -1, nanos: 0 });
        let negative = proto::StreamMetadata { max_age, ..Default::default() };
        assert!(matches!(StreamMetadata::try_from(negative), Err(Error::InvalidResponse(_))));
    }
}
