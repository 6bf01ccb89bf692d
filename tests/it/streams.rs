//! Streams: what is known of one, and their names, page by page.

use quipu_client::{Client, Error, ListStreams, StreamInfo, StreamPage, proto};
use tonic::Code;

use crate::events::{append, event, events, log};
use crate::server::TestServer;
use crate::wire::{self, assert_refused};

/// All names with a prefix, by pages of this size; asserts that the pages are well formed.
async fn paged(client: &Client, prefix: &str, size: u32) -> Vec<String> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let list = ListStreams::new().prefix(prefix).page_size(size).page_token(token);
        let page = client.streams(list).await.expect("a page");
        let most = if size == 0 { 100 } else { size.min(1_000) };
        assert!(page.streams.len() <= usize::try_from(most).unwrap(), "{} names in a page", page.streams.len());
        all.extend(page.streams);
        token = match page.next_page_token {
            Some(token) => token,
            None => return all,
        };
    }
}

#[tokio::test]
async fn what_is_known_of_a_stream_is_what_its_events_say() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    for number in 0..40_u64 {
        append(&client, if number % 4 == 0 { "some" } else { "more" }, events(0..2)).await;
    }
    append(&client, "one", vec![event(0)]).await;
    for _ in 0..2 {
        let all = log(&client).await;
        for name in ["some", "more", "one"] {
            let events: Vec<_> = all.iter().filter(|event| event.stream == name).collect();
            let (first, last) = (events[0], events[events.len() - 1]);
            let expected = StreamInfo {
                name: name.to_owned(),
                first_revision: Some(0),
                head_revision: Some(last.revision),
                event_count: events.len() as u64,
                last_position: last.position,
                first_recorded_at: Some(first.recorded_at),
                last_recorded_at: Some(last.recorded_at),
                metadata: None,
            };
            assert_eq!(client.stream(name).await.unwrap(), Some(expected));
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn a_stream_without_events_is_not_found() {
    let server = TestServer::start();
    append(&server.client().await, "there", vec![event(0)]).await;
    let channel = server.channel().await;
    for stream in ["missing", "ther", "there-", "$system"] {
        let request = proto::StreamsGetRequest { stream: stream.to_owned() };
        let outcome: Result<proto::StreamsGetResponse, _> = wire::ask(&channel, wire::STREAMS_GET, &request).await;
        assert_refused(stream, outcome, Code::NotFound, "STREAM_NOT_FOUND");
    }
}

#[tokio::test]
async fn hundreds_of_streams_are_listed_in_order_by_any_page_size() {
    let mut server = TestServer::start_with(&["--segment-events", "16"]);
    let client = server.client().await;
    let mut names: Vec<String> = (0..250).map(|n| format!("{}-{}", ["order", "user", "ordr"][n % 3], n * 37)).collect();
    names.extend(["order", "Order", "étoile", "a b", "~", "order-1\u{10ffff}"].map(str::to_owned));
    for name in &names {
        append(&client, name, vec![event(0)]).await;
    }
    // A stream that comes again in later segments is still one.
    for name in names.iter().step_by(5) {
        append(&client, name, vec![event(1)]).await;
    }
    names.sort_unstable();
    for _ in 0..2 {
        for size in [0, 1, 7, 100, 255, 256, 257, 1_000, 5_000] {
            assert_eq!(paged(&client, "", size).await, names, "pages of {size}");
        }
        for prefix in ["order", "order-", "order-1", "user-", "ord", "é", "~", "zzz", "\u{10ffff}"] {
            let expected: Vec<_> = names.iter().filter(|name| name.starts_with(prefix)).cloned().collect();
            assert_eq!(client.all_streams(prefix).await.unwrap(), expected, "{prefix}");
            assert_eq!(paged(&client, prefix, 3).await, expected, "{prefix}");
        }
        server.restart().await;
    }
}

#[tokio::test]
async fn a_page_is_full_unless_it_is_the_last_and_then_it_has_no_token() {
    let server = TestServer::start();
    let client = server.client().await;
    for number in 0..30 {
        append(&client, &format!("s-{number:02}"), vec![event(0)]).await;
    }
    let page = async |before: Option<&StreamPage>| {
        let token = before.and_then(|page| page.next_page_token.clone()).unwrap_or_default();
        client.streams(ListStreams::new().prefix("s-").page_size(10).page_token(token)).await.unwrap()
    };
    let first = page(None).await;
    let second = page(Some(&first)).await;
    let third = page(Some(&second)).await;
    assert_eq!([&first, &second, &third].map(|page| page.streams.len()), [10, 10, 10]);
    assert_eq!(third.next_page_token, None);
    append(&client, "s-05-new", vec![event(0)]).await;
    let again = page(Some(&first)).await;
    assert_eq!(again, second, "a token stays good when streams come in before it");
}

#[tokio::test]
async fn a_list_of_no_streams_is_empty() {
    let server = TestServer::start();
    let client = server.client().await;
    assert_eq!(client.all_streams("").await.unwrap(), Vec::<String>::new());
    let page = client.streams(ListStreams::new().page_size(10).include_system()).await.unwrap();
    assert_eq!((page.streams, page.next_page_token), (vec![], None));
}

#[tokio::test]
async fn a_category_lists_the_names_that_begin_with_it_and_a_hyphen_whatever_its_characters() {
    let server = TestServer::start();
    let client = server.client().await;
    for name in ["order-1", "order-1-a", "orders-1", "order", "Ümläut Ü-1", "%-_", "a-b-c", "-odd"] {
        append(&client, name, vec![event(0)]).await;
    }
    let cases: [(&str, &[&str]); 8] = [
        ("order", &["order-1", "order-1-a"]),
        ("orde", &[]),
        ("a", &["a-b-c"]),
        ("Ümläut Ü", &["Ümläut Ü-1"]),
        ("%", &["%-_"]),
        ("\n", &[]),
        ("\0", &[]),
        ("\u{10ffff}", &[]),
    ];
    let list = async |list: ListStreams| client.streams(list).await.unwrap().streams;
    for (category, names) in cases {
        assert_eq!(list(ListStreams::new().category(category)).await, names, "{category:?}");
        let narrow = list(ListStreams::new().category(category).prefix("order-1-")).await;
        let expected: &[&str] = if names.contains(&"order-1-a") { &["order-1-a"] } else { &[] };
        assert_eq!(narrow, expected, "{category:?}");
        let wide = list(ListStreams::new().category(category).prefix(category)).await;
        assert_eq!(wide, names, "{category:?}");
    }
    assert_eq!(list(ListStreams::new().category("x".repeat(100_000))).await, Vec::<String>::new());
    let hyphen = client.streams(ListStreams::new().category("a-b")).await;
    assert!(matches!(hyphen, Err(Error::InvalidArgument(_))), "{hyphen:?}");
}
