//! Reading one stream: which events come, in which order, and what is refused.

use quipu_client::{Client, Error, ReadStream, RecordedEvent, SnapshotToSave};

use crate::events::{append, event, events, revisions, spread, stream};
use crate::server::TestServer;

async fn read(client: &Client, read: ReadStream) -> Vec<RecordedEvent> {
    client.read_stream(read).await.expect("a stream").collect().await.expect("all of it")
}

/// Reads every way there is, and compares with a list.
async fn assert_reads_like(client: &Client, name: &str, list: &[RecordedEvent]) {
    let whole = || ReadStream::new(name);
    let length = list.len() as u64;
    let reversed: Vec<_> = list.iter().rev().cloned().collect();
    assert_eq!(read(client, whole()).await, list);
    assert_eq!(read(client, whole().from_start().limit(0)).await, list);
    assert_eq!(read(client, whole().backwards()).await, reversed);
    assert_eq!(read(client, whole().backwards().from_end()).await, reversed);
    for from in [0, 1, length / 3, length / 2, length - 1].into_iter().filter(|from| *from < length) {
        let at = usize::try_from(from).unwrap();
        for limit in [1, 2, 15, 16, 17, length, length + 10] {
            let most = usize::try_from(limit).unwrap();
            let forwards = read(client, whole().from_revision(from).limit(limit)).await;
            assert_eq!(forwards, list[at..].iter().take(most).cloned().collect::<Vec<_>>(), "{from}, {limit}");
            let backwards = read(client, whole().backwards().from_revision(from).limit(limit)).await;
            let expected: Vec<_> = list[..=at].iter().rev().take(most).cloned().collect();
            assert_eq!(backwards, expected, "backwards, {from}, {limit}");
        }
    }
    assert_eq!(read(client, whole().from_revision(length)).await, []);
    assert_eq!(read(client, whole().backwards().from_revision(length).limit(3)).await, reversed[..3.min(list.len())]);
}

#[tokio::test]
async fn a_stream_over_many_segments_reads_like_a_list() {
    for flags in [["--segment-events", "16"], ["--segment-bytes", "8192"]] {
        let mut server = TestServer::start_with(&flags);
        let client = server.client().await;
        spread(&client, "s", 7, 700).await;
        append(&client, "once", vec![event(0)]).await;
        append(&client, "batch", events(0..60)).await;
        for _ in 0..2 {
            let log = crate::events::log(&client).await;
            for name in ["s-0", "s-3", "s-6", "once", "batch"] {
                let list: Vec<_> = log.iter().filter(|event| event.stream == name).cloned().collect();
                assert_eq!(revisions(&list), (0..list.len() as u64).collect::<Vec<_>>());
                assert_reads_like(&client, name, &list).await;
            }
            server.restart().await;
        }
        let indexes = std::fs::read_dir(server.data().join("tenants/default/index")).unwrap();
        let indexes = indexes.filter(|file| file.as_ref().unwrap().path().extension() == Some("idx".as_ref()));
        assert!(indexes.count() > 5, "there are many segments");
    }
}

#[tokio::test]
async fn a_read_tells_the_streams_last_revision_at_its_end() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..10)).await;
    for request in [ReadStream::new("s"), ReadStream::new("s").limit(2), ReadStream::new("s").from_revision(10)] {
        let mut reading = client.read_stream(request).await.unwrap();
        while let Some(event) = reading.next().await {
            event.unwrap();
        }
        assert_eq!(reading.head_revision(), Some(9));
    }
}

#[tokio::test]
async fn a_stream_without_events_is_not_found_whatever_is_asked() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "there", vec![event(0)]).await;
    let missing = || ReadStream::new("missing");
    let requests = [
        missing(),
        missing().backwards(),
        missing().from_revision(0),
        missing().from_revision(9),
        missing().with_snapshot(),
        ReadStream::new("ther"),
        ReadStream::new("$system"),
    ];
    for request in requests {
        let refused = client.read_stream(request.clone()).await;
        assert!(matches!(refused, Err(Error::StreamNotFound)), "{request:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_read_from_beyond_the_end_is_out_of_range() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    for from in [4, 5, 1_000_000, u64::MAX] {
        for request in [ReadStream::new("s"), ReadStream::new("s").backwards()] {
            match client.read_stream(request.from_revision(from)).await {
                Err(Error::BeyondEnd { asked, last }) => assert_eq!((asked, last), (from, Some(2))),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn reads_that_walk_off_the_stream_are_refused() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..3)).await;
    let refused = [
        ReadStream::new("s").backwards().from_start(),
        ReadStream::new("s").from_end(),
        ReadStream::new("s").with_snapshot().backwards(),
        ReadStream::new("s").with_snapshot().from_revision(0),
        ReadStream::new("s").with_snapshot().from_start(),
    ];
    for request in refused {
        let refused = client.read_stream(request.clone()).await;
        assert!(matches!(refused, Err(Error::InvalidArgument(_))), "{request:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_read_with_snapshot_goes_on_behind_the_newest_one() {
    let server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    append(&client, "s", events(0..40)).await;
    let all = stream(&client, "s").await;

    let without = client.read_stream(ReadStream::new("s").with_snapshot()).await.unwrap();
    assert_eq!(without.snapshot(), None);
    assert_eq!(without.collect().await.unwrap(), all);

    for revision in [0, 17, 38] {
        let state = format!("{{\"after\":{revision}}}");
        client.save_snapshot(SnapshotToSave::new("s", revision, state.clone())).await.unwrap();
        for limit in [0, 1, 5] {
            let request = ReadStream::new("s").with_snapshot().limit(limit);
            let reading = client.read_stream(request).await.unwrap();
            let snapshot = reading.snapshot().expect("there is one");
            assert_eq!((snapshot.revision, &snapshot.data[..]), (revision, state.as_bytes()));
            let most = if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap() };
            let rest: Vec<_> = all[usize::try_from(revision).unwrap() + 1..].iter().take(most).cloned().collect();
            assert_eq!(reading.collect().await.unwrap(), rest);
        }
        assert_eq!(read(&client, ReadStream::new("s")).await, all, "only who asks for it gets it");
    }
}

#[tokio::test]
async fn a_read_with_a_snapshot_of_the_last_event_brings_no_event() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..4)).await;
    client.save_snapshot(SnapshotToSave::new("s", 3, "{}")).await.unwrap();
    let mut reading = client.read_stream(ReadStream::new("s").with_snapshot()).await.unwrap();
    assert_eq!(reading.snapshot().map(|snapshot| snapshot.revision), Some(3));
    assert!(reading.next().await.is_none());
    assert_eq!(reading.head_revision(), Some(3));
}

#[tokio::test]
async fn large_events_come_in_messages_of_about_a_mebibyte() {
    let server = TestServer::start();
    let client = server.client().await;
    for number in 0..24_u64 {
        let size = usize::try_from(number % 4).unwrap() * 300_000;
        append(&client, "s", vec![quipu_client::NewEvent::new("Large", vec![7; size])]).await;
    }
    let all = stream(&client, "s").await;
    assert_eq!(all.len(), 24);
    for request in [ReadStream::new("s"), ReadStream::new("s").backwards()] {
        let mut reading = client.read_stream(request).await.unwrap();
        let mut count = 0;
        while let Some(batch) = reading.next_batch().await {
            let batch = batch.unwrap();
            count += batch.len();
            let bytes: usize = batch.iter().map(|event| event.data.len()).sum();
            assert!(bytes <= 2_000_000, "{bytes} bytes in one message");
        }
        assert_eq!(count, 24);
    }
}

/// A reader opened the segment, asked the index for more, was led to what had been appended meanwhile, and
/// took the end of what it had opened for damage.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_grows_while_it_is_read_is_read_without_damage() {
    let server = TestServer::start();
    let client = server.client().await;
    append(&client, "s", events(0..900)).await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let client = server.client().await;
        readers.spawn(async move {
            for _ in 0..150 {
                let read = client.read_stream(ReadStream::new("s")).await.expect("a stream").collect().await;
                let read = read.expect("nothing is damaged");
                assert!(read.iter().map(|event| event.revision).eq(0..read.len() as u64));
            }
        });
    }
    let writer = tokio::spawn(async move {
        for number in 900.. {
            append(&client, "s", vec![event(number)]).await;
        }
    });
    while let Some(read) = readers.join_next().await {
        read.expect("every reader comes to its end");
    }
    writer.abort();
}
