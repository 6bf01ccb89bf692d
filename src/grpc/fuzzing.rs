//! What fuzzers feed the conversions at the doors.

/// An event as a client sends it.
pub mod event {
    use bytes::Bytes;
    use prost::Message;
    use quipu_client::proto::{NewEvent, RecordedEvent};

    use crate::model::event::same_content;
    use crate::model::{EventId, Labels, Limits, ProposedEvent};

    /// What is taken in is what any decoder of protobuf reads too, without a field of the server, and is taken
    /// in again as it is.
    pub fn check(bytes: &[u8]) {
        let limits = Limits::default();
        let Ok(proposed) = ProposedEvent::parse(Bytes::copy_from_slice(bytes), &limits) else { return };
        let sent = NewEvent::decode(bytes).expect("what is taken in is well formed");
        let kept = RecordedEvent::decode(proposed.bytes.clone()).expect("what is kept is well formed");
        assert_eq!((kept.stream.as_str(), kept.revision, kept.position), ("", None, 0));
        assert_eq!(kept.recorded_at, None);
        assert_eq!(NewEvent::decode(proposed.bytes.clone()), Ok(sent.clone()));
        let labels = Labels::of(&proposed.bytes, "order-1");
        assert_eq!((labels.event_type, labels.correlation_id), (sent.r#type.as_str(), sent.correlation_id.as_str()));
        assert_eq!(labels.tags, sent.tags);
        assert_eq!(proposed.id_is_given, !sent.id.is_empty());
        if proposed.id_is_given {
            assert_eq!(EventId::parse(&sent.id), Ok(proposed.id));
        }
        assert_eq!(proposed.id_is_canonical, sent.id.as_bytes() == proposed.id.text());
        assert_eq!(crate::model::event::data_of(&proposed.bytes), sent.data);
        let again = ProposedEvent::parse(proposed.bytes.clone(), &limits).expect("it was taken in before");
        assert_eq!(again.bytes, proposed.bytes);
        assert!(same_content(bytes, &proposed.bytes));
        assert!(proposed.bytes.len() <= bytes.len(), "nothing is added");
    }

    /// Events with much and with little in them, and a forged one.
    pub fn seeds() -> Vec<Vec<u8>> {
        let small = NewEvent { r#type: "Happened".into(), ..NewEvent::default() };
        let large = NewEvent {
            id: "0192f0c1-2345-7abc-8def-0123456789ab".into(),
            data: b"{\"total\":3.10}".to_vec().into(),
            content_type: "application/json".into(),
            metadata: [("user".to_owned(), "ada".to_owned())].into(),
            schema_version: "2".into(),
            correlation_id: "c".into(),
            causation_id: "d".into(),
            tags: vec!["customer:7".into(), "b".into()],
            occurred_at: Some(prost_types::Timestamp { seconds: 1_795_000_000, nanos: 5 }),
            ..small.clone()
        };
        let forged = RecordedEvent { r#type: "T".into(), stream: "another".into(), position: 7, ..Default::default() };
        vec![small.encode_to_vec(), large.encode_to_vec(), forged.encode_to_vec()]
    }
}

/// Requests of clients.
pub mod requests {
    use prost::Message;

    use super::super::{consumers, convert};
    use crate::model::Limits;
    use crate::proto;

    /// What is taken in is within the limits; a query and an expectation come back as they went in.
    pub fn check(bytes: &[u8]) {
        let limits = Limits::default();
        let Some((kind, bytes)) = bytes.split_first() else { return };
        match kind % 8 {
            0 => {
                let Ok(request) = proto::AppendRequest::decode(bytes) else { return };
                let Ok(append) = convert::append(request.clone(), &limits) else { return };
                let [one] = &append.appends[..] else { panic!("an append is a transaction of one") };
                assert_eq!(one.stream.as_str(), request.stream);
                assert_eq!((one.events.len(), append.guards.len()), (request.events.len(), request.guards.len()));
                assert!(append.guards.len() <= limits.guards && one.events.len() <= limits.append_events);
                let expected = convert::expected_out(one.expected);
                assert_eq!(convert::expected_in(Some(expected)), one.expected);
            }
            1 => {
                let Ok(request) = proto::TransactRequest::decode(bytes) else { return };
                let Ok(transaction) = convert::transaction(request, &limits) else { return };
                let mut streams: Vec<_> = transaction.appends.iter().map(|append| &append.stream).collect();
                streams.sort();
                assert!(streams.windows(2).all(|pair| pair[0] != pair[1]), "no stream is there twice");
            }
            2 => {
                let Ok(request) = proto::Query::decode(bytes) else { return };
                let Ok(query) = convert::query(request, &limits) else { return };
                let again = convert::query(consumers::fuzzing::query_out(&query), &limits);
                assert_eq!(again.as_ref(), Ok(&query));
                let note = serde_json::to_vec(&query).expect("a query is text");
                assert_eq!(serde_json::from_slice::<crate::model::Query>(&note).ok(), Some(query));
            }
            3 => {
                let Ok(request) = proto::SnapshotsSaveRequest::decode(bytes) else { return };
                let Ok(snapshot) = convert::snapshot(&request, &limits) else { return };
                assert_eq!(snapshot.stream.as_str(), request.stream);
                assert_eq!(proto::SnapshotsSaveRequest::decode(snapshot.bytes), Ok(request));
            }
            4 => {
                let Ok(request) = proto::StreamMetadata::decode(bytes) else { return };
                let Ok(metadata) = convert::metadata_in(request, &limits) else { return };
                let again = convert::metadata_in(convert::metadata_out(metadata.clone()), &limits);
                assert_eq!(again, Ok(metadata));
            }
            5 => consumers::fuzzing::settings(bytes, &limits),
            6 => consumers::fuzzing::outcomes(bytes),
            _ => {
                if let Ok(time) = prost_types::Timestamp::decode(bytes)
                    && let Ok(found) = convert::time_in(time)
                    && time.seconds >= 0
                {
                    assert_eq!(convert::time(found), time);
                }
                if let Ok(duration) = prost_types::Duration::decode(bytes)
                    && let Ok(found) = convert::duration(duration)
                {
                    assert_eq!(
                        (found.as_secs() as i64, found.subsec_nanos() as i32),
                        (duration.seconds, duration.nanos)
                    );
                }
            }
        }
    }

    /// A request of each kind.
    pub fn seeds() -> Vec<Vec<u8>> {
        let query = proto::Query {
            items: vec![proto::QueryItem { types: vec!["A".into()], tags: vec!["x:1".into()], ..Default::default() }],
            all: None,
        };
        let wanted = proto::guard::Match { query: Some(query.clone()), after_position: 7 };
        let guard = proto::Guard { kind: Some(proto::guard::Kind::NoneMatch(wanted)) };
        let event = super::event::seeds().remove(0);
        let append = proto::AppendRequest {
            stream: "order-1".into(),
            events: vec![event.into()],
            guards: vec![guard.clone()],
            ..Default::default()
        };
        let part = proto::StreamAppend { stream: "a".into(), events: append.events.clone(), expected: None };
        let checkpoints = vec![proto::CheckpointAdvance { name: "reader".into(), position: 9 }];
        let transaction = proto::TransactRequest { appends: vec![part], guards: vec![guard], checkpoints };
        let snapshot = proto::SnapshotsSaveRequest {
            stream: "order-1".into(),
            revision: Some(3),
            data: b"{}".to_vec().into(),
            ..Default::default()
        };
        let max_age = Some(prost_types::Duration { seconds: 60, nanos: 1 });
        let metadata = proto::StreamMetadata { max_age, max_count: Some(9), ..Default::default() };
        let settings = proto::ConsumerGroupSettings { query: Some(query.clone()), max_tries: 3, ..Default::default() };
        let nack = vec![proto::Nack { position: 4, action: 2, reason: "bad".into(), delay: max_age }];
        let settle = proto::Settle { ack: vec![1, 2, 3], nack };
        let time = prost_types::Timestamp { seconds: 1_795_000_000, nanos: 5 };
        let all = [
            append.encode_to_vec(),
            transaction.encode_to_vec(),
            query.encode_to_vec(),
            snapshot.encode_to_vec(),
            metadata.encode_to_vec(),
            settings.encode_to_vec(),
            settle.encode_to_vec(),
            time.encode_to_vec(),
        ];
        (0..).zip(all).map(|(kind, bytes)| [&[kind], &bytes[..]].concat()).collect()
    }
}

/// Requests and events of UmaDB's clients.
pub mod umadb {
    pub use super::super::umadb::fuzzing::{check, seeds};
}
