//! Read models: documents and the position that belongs to them, in one step or not at all.

use quipu_client::Client;
use quipu_client::proto::read_models_client::ReadModelsClient;
use quipu_client::proto::{self, Document, DocumentKey, ReadModelsListRequest, ReadModelsWriteRequest};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::events::{append, events, head, log};
use crate::server::{TestServer, within};
use crate::wire::{assert_refused, detail};

type Api = ReadModelsClient<Channel>;

async fn with_events(count: u64) -> (TestServer, Client, Api) {
    let server = TestServer::start();
    let client = server.patient_client().await;
    append(&client, "s", events(0..count)).await;
    let api = api(&client);
    (server, client, api)
}

fn api(client: &Client) -> Api {
    ReadModelsClient::new(client.channel()).max_decoding_message_size(64 << 20)
}

/// Kills the server, and is back when it serves again.
async fn crash(server: &mut TestServer, client: &Client) {
    server.kill();
    server.run();
    head(client).await;
}

fn doc(kind: &str, id: &str, data: impl Into<Vec<u8>>) -> Document {
    Document { r#type: kind.into(), id: id.into(), data: data.into().into(), ..Document::default() }
}

fn key(kind: &str, id: &str) -> DocumentKey {
    DocumentKey { r#type: kind.into(), id: id.into() }
}

fn moves(model: &str, from: u64, to: u64) -> ReadModelsWriteRequest {
    let (expected_position, position) = (Some(from), Some(to));
    ReadModelsWriteRequest { model: model.into(), expected_position, position, ..Default::default() }
}

async fn write(api: &Api, request: ReadModelsWriteRequest) -> Result<u64, Status> {
    api.clone().write(request).await.map(|it| it.into_inner().generation)
}

/// Writes one document.
async fn put(api: &Api, model: &str, from: u64, to: u64, document: Document) -> Result<u64, Status> {
    write(api, ReadModelsWriteRequest { upserts: vec![document], ..moves(model, from, to) }).await
}

/// A document's data, and where its generation is.
async fn get(api: &Api, model: &str, generation: u64, kind: &str, id: &str) -> Result<(Vec<u8>, u64), Status> {
    let request = proto::ReadModelsGetRequest { model: model.into(), generation, r#type: kind.into(), id: id.into() };
    let answer = api.clone().get(request).await?.into_inner();
    Ok((answer.document.expect("a document").data.to_vec(), answer.position))
}

async fn list(api: &Api, request: ReadModelsListRequest) -> Result<proto::ReadModelsListResponse, Status> {
    api.clone().list(request).await.map(tonic::Response::into_inner)
}

/// All documents by pages, as types, ids and data; each page but the last has an end.
async fn all(api: &Api, request: ReadModelsListRequest) -> Vec<(String, String, Vec<u8>)> {
    let (mut found, mut request) = (Vec::new(), request);
    loop {
        let page = list(api, request.clone()).await.expect("a page");
        assert!(request.page_size == 0 || page.documents.len() <= request.page_size as usize);
        found.extend(page.documents.into_iter().map(|it| (it.r#type, it.id, it.data.to_vec())));
        if page.next_page_token.is_empty() {
            return found;
        }
        (request.page_token, request.offset) = (page.next_page_token, 0);
    }
}

fn listing(model: &str, page_size: u32) -> ReadModelsListRequest {
    ReadModelsListRequest { model: model.into(), page_size, ..Default::default() }
}

/// Numbers and positions of a model's generations, and which is active.
async fn describe(api: &Api, model: &str) -> Result<Vec<(u64, u64, bool)>, Status> {
    let answer = api.clone().describe(proto::ReadModelsDescribeRequest { model: model.into() }).await?;
    let generations = answer.into_inner().generations.into_iter();
    Ok(generations.map(|it| (it.generation, it.position, it.is_active)).collect())
}

async fn begin(api: &Api, model: &str) -> u64 {
    let begun = api.clone().begin(proto::ReadModelsBeginRequest { model: model.into() }).await;
    begun.expect("a generation").into_inner().generation
}

async fn switch(api: &Api, model: &str, generation: u64, expected_position: Option<u64>) -> Result<(), Status> {
    let request = proto::ReadModelsSwitchRequest { model: model.into(), generation, expected_position };
    api.clone().switch(request).await.map(drop)
}

async fn delete(api: &Api, model: &str, generation: u64) -> Result<(), Status> {
    let request = proto::ReadModelsDeleteRequest { model: model.into(), generation };
    api.clone().delete(request).await.map(drop)
}

#[tokio::test]
async fn documents_and_position_change_together_on_condition_of_the_position_before() {
    let (mut server, client, api) = with_events(9).await;
    assert_refused("nothing yet", describe(&api, "m").await, Code::NotFound, "READ_MODEL_NOT_FOUND");
    let first = ReadModelsWriteRequest {
        upserts: vec![doc("customer", "1", "one"), doc("customer", "2", "two"), doc("order", "1", "o")],
        ..moves("m", 0, 3)
    };
    assert_eq!(write(&api, first.clone()).await.unwrap(), 1);
    assert_eq!(get(&api, "m", 0, "customer", "1").await.unwrap(), (b"one".to_vec(), 3));

    for from in [0, 2, 4, 9] {
        let wrong = put(&api, "m", from, 9, doc("customer", "1", "never")).await.unwrap_err();
        let told: proto::WrongReadModelPosition = detail(&wrong, "WrongReadModelPosition");
        assert_eq!((told.model.as_str(), told.generation), ("m", 1));
        assert_eq!((told.expected_position, told.actual_position), (from, 3));
        assert_refused::<()>("wrong", Err(wrong), Code::FailedPrecondition, "WRONG_READ_MODEL_POSITION");
    }
    let second = ReadModelsWriteRequest {
        upserts: vec![doc("customer", "1", "uno")],
        deletes: vec![key("customer", "2"), key("customer", "3")],
        ..moves("m", 3, 9)
    };
    write(&api, second).await.unwrap();
    write(&api, moves("m", 9, 9)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(get(&api, "m", 1, "customer", "1").await.unwrap(), (b"uno".to_vec(), 9));
        assert_eq!(get(&api, "m", 0, "order", "1").await.unwrap(), (b"o".to_vec(), 9));
        let gone = get(&api, "m", 0, "customer", "2").await;
        assert_refused("deleted", gone, Code::NotFound, "READ_MODEL_NOT_FOUND");
        assert_eq!(describe(&api, "m").await.unwrap(), [(1, 9, true)]);
        server.restart().await;
        // Also waits until the server is reached again.
        assert_eq!(head(&client).await, 9, "a read model takes no position");
    }
    let found = list(&api, listing("m", 0)).await.unwrap();
    let it = &found.documents[0];
    assert_eq!((it.content_type.as_str(), it.position, found.position), ("application/json", 9, 9));
    assert_eq!(found.documents[1].position, 3, "the position of the write that made it so");
    assert!(it.updated_at.is_some());
    assert_refused("again", write(&api, first).await, Code::FailedPrecondition, "WRONG_READ_MODEL_POSITION");
}

#[tokio::test]
async fn a_position_is_neither_ahead_of_the_log_nor_goes_back() {
    let (_server, _client, api) = with_events(5).await;
    let beyond = write(&api, moves("m", 0, 6)).await.unwrap_err();
    let told: proto::BeyondEnd = detail(&beyond, "BeyondEnd");
    assert_eq!((told.asked, told.last), (6, Some(5)));
    assert_refused::<()>("beyond", Err(beyond), Code::OutOfRange, "BEYOND_END");
    let far = write(&api, moves("m", 0, u64::MAX)).await;
    assert_refused("far", far, Code::OutOfRange, "BEYOND_END");
    assert_refused("nothing was made", describe(&api, "m").await, Code::NotFound, "READ_MODEL_NOT_FOUND");
    write(&api, moves("m", 0, 5)).await.unwrap();
    let back = write(&api, moves("m", 5, 4)).await;
    assert_refused("back", back, Code::InvalidArgument, "INVALID_ARGUMENT");
    assert_eq!(describe(&api, "m").await.unwrap(), [(1, 5, true)]);
}

#[tokio::test]
async fn writes_that_make_no_sense_are_refused_whole() {
    let (_server, _client, api) = with_events(5).await;
    let with = |upserts| ReadModelsWriteRequest { upserts, ..moves("m", 0, 1) };
    let good = || doc("t", "1", "x");
    let long = |bytes| "x".repeat(bytes);
    let both = ReadModelsWriteRequest { upserts: vec![good()], deletes: vec![key("t", "1")], ..moves("m", 0, 1) };
    let twice = ReadModelsWriteRequest { deletes: vec![key("t", "1"), key("t", "1")], ..moves("m", 0, 1) };
    let typed = |content_type| Document { content_type, ..good() };
    let bad = [
        (ReadModelsWriteRequest { expected_position: None, ..with(vec![good()]) }, "INVALID_ARGUMENT"),
        (ReadModelsWriteRequest { position: None, ..with(vec![good()]) }, "INVALID_ARGUMENT"),
        (both, "INVALID_ARGUMENT"),
        (twice, "INVALID_ARGUMENT"),
        (with(vec![good(), good()]), "INVALID_ARGUMENT"),
        (with(vec![good(), doc("", "1", "x")]), "INVALID_ARGUMENT"),
        (with(vec![good(), doc("t", "", "x")]), "INVALID_ARGUMENT"),
        (with(vec![good(), doc("t\0", "2", "x")]), "INVALID_ARGUMENT"),
        (with(vec![good(), doc("t", "a\u{7f}", "x")]), "INVALID_ARGUMENT"),
        (with(vec![good(), doc(&long(257), "2", "x")]), "LIMIT_EXCEEDED"),
        (with(vec![good(), doc("t", &long(257), "x")]), "LIMIT_EXCEEDED"),
        (with(vec![good(), doc("t", "2", vec![1; (1 << 20) + 1])]), "LIMIT_EXCEEDED"),
        (with(vec![typed(long(257))]), "LIMIT_EXCEEDED"),
        (ReadModelsWriteRequest { deletes: vec![key("t", "")], ..with(vec![good()]) }, "INVALID_ARGUMENT"),
    ];
    for (request, why) in bad {
        let what = format!("{:?} {:?}", request.upserts.last().map(|it| it.id.len()), request.deletes);
        assert_refused(&what, write(&api, request).await, Code::InvalidArgument, why);
    }
    for (model, why) in [
        ("", "INVALID_ARGUMENT"),
        ("$m", "INVALID_ARGUMENT"),
        ("a\0b", "INVALID_ARGUMENT"),
        (&long(257), "LIMIT_EXCEEDED"),
    ] {
        assert_refused("write", write(&api, moves(model, 0, 1)).await, Code::InvalidArgument, why);
        assert_refused("get", get(&api, model, 0, "t", "1").await, Code::InvalidArgument, why);
        assert_refused("list", list(&api, listing(model, 0)).await, Code::InvalidArgument, why);
        assert_refused("describe", describe(&api, model).await, Code::InvalidArgument, why);
        assert_refused("switch", switch(&api, model, 1, None).await, Code::InvalidArgument, why);
        assert_refused("delete", delete(&api, model, 0).await, Code::InvalidArgument, why);
        let begun = api.clone().begin(proto::ReadModelsBeginRequest { model: model.into() }).await;
        assert_refused("begin", begun, Code::InvalidArgument, why);
    }
    let made = api.clone().list_models(proto::ReadModelsListModelsRequest::default()).await.unwrap();
    assert_eq!(made.into_inner().models, [""; 0], "nothing was made");
    let largest = with(vec![
        doc(&long(256), &long(256), vec![1; 1 << 20]),
        doc("t", "a", vec![1; (1 << 20) - 1]),
        Document { content_type: long(256), ..doc("t", "é", "") },
    ]);
    write(&api, largest).await.unwrap();
    assert_eq!(get(&api, "m", 0, &long(256), &long(256)).await.unwrap().0, vec![1; 1 << 20]);
    assert_eq!(all(&api, listing("m", 2)).await.len(), 3);
}

#[tokio::test]
async fn documents_are_listed_in_order_by_pages_of_any_size() {
    let (mut server, client, api) = with_events(1).await;
    let mut upserts: Vec<_> = (0..25).map(|number| doc("b", &format!("x-{number:02}"), number.to_string())).collect();
    upserts.extend([
        doc("b", "y", "y"),
        doc("b", "x", "x"),
        doc("a", "z", "z"),
        doc("b-c", "1", "1"),
        doc("c", "1", "1"),
    ]);
    upserts.reverse();
    write(&api, ReadModelsWriteRequest { upserts: upserts.clone(), ..moves("m", 0, 1) }).await.unwrap();
    write(&api, ReadModelsWriteRequest { upserts: vec![doc("b", "x-00", "else")], ..moves("m2", 0, 1) }).await.unwrap();
    let mut sorted: Vec<_> = upserts.into_iter().map(|it| (it.r#type, it.id, it.data.to_vec())).collect();
    sorted.sort_unstable();
    for _ in 0..2 {
        for page_size in [1, 7, 29, 30, 31, 0, 5000] {
            assert_eq!(all(&api, listing("m", page_size)).await, sorted, "by {page_size}");
            for id_prefix in ["", "x", "x-", "x-1", "y", "z"] {
                let of = ReadModelsListRequest {
                    r#type: "b".into(),
                    id_prefix: id_prefix.into(),
                    ..listing("m", page_size)
                };
                let wanted: Vec<_> =
                    sorted.iter().filter(|it| it.0 == "b" && it.1.starts_with(id_prefix)).cloned().collect();
                assert_eq!(all(&api, of.clone()).await, wanted, "{id_prefix:?} by {page_size}");
                for offset in [1, 2, 10, 26, 27, 28, 1000, u64::MAX] {
                    let from = wanted.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX)).cloned();
                    let found = all(&api, ReadModelsListRequest { offset, ..of.clone() }).await;
                    assert_eq!(found, from.collect::<Vec<_>>(), "{id_prefix:?} from {offset} by {page_size}");
                }
            }
        }
        server.restart().await;
        head(&client).await;
    }
}

#[tokio::test]
async fn a_page_has_about_a_mebibyte() {
    let (_server, _client, api) = with_events(1).await;
    for number in 0..70 {
        let document = doc("t", &format!("{number:02}"), vec![b'1'; 300_000]);
        put(&api, "m", u64::from(number > 0), 1, document).await.unwrap();
    }
    let mut request = listing("m", 1000);
    for page in 0..17 {
        let found = list(&api, request.clone()).await.unwrap();
        assert_eq!(found.documents.len(), 4, "page {page}");
        request.page_token = found.next_page_token;
    }
    let last = list(&api, request).await.unwrap();
    assert_eq!((last.documents.len(), last.next_page_token.as_str()), (2, ""));
    let past = list(&api, ReadModelsListRequest { offset: 69, ..listing("m", 1000) }).await.unwrap();
    assert_eq!((past.documents.len(), past.documents[0].id.as_str()), (1, "69"));
}

/// Once, a token of another list was taken, and its page was empty or from somewhere else.
#[tokio::test]
async fn a_page_token_of_another_list_is_refused() {
    let (_server, _client, api) = with_events(1).await;
    let upserts = vec![doc("a", "1", "x"), doc("a", "2", "x"), doc("b", "1", "x"), doc("b", "2", "x")];
    write(&api, ReadModelsWriteRequest { upserts, ..moves("m", 0, 1) }).await.unwrap();
    let of = |kind: &str| ReadModelsListRequest { r#type: kind.into(), ..listing("m", 1) };
    let token = list(&api, of("a")).await.unwrap().next_page_token;
    let prefixed = ReadModelsListRequest { id_prefix: "1".into(), ..of("a") };
    for request in [of("b"), of("c"), prefixed] {
        let refused = list(&api, ReadModelsListRequest { page_token: token.clone(), ..request }).await;
        assert_refused("another type", refused, Code::InvalidArgument, "INVALID_ARGUMENT");
    }
    let long = "9".repeat(1000);
    for token in ["x", "1", "/", "9/a1", "-1/a1", "1/\u{e9}", "18446744073709551616/a", &long] {
        let refused = list(&api, ReadModelsListRequest { page_token: token.into(), ..of("a") }).await;
        let code = refused.as_ref().map(drop).map_err(Status::code);
        assert_eq!(code, Err(Code::InvalidArgument), "{token}");
    }
    let lonely = ReadModelsListRequest { id_prefix: "1".into(), ..listing("m", 1) };
    assert_refused("a prefix alone", list(&api, lonely).await, Code::InvalidArgument, "INVALID_ARGUMENT");
    assert_eq!(list(&api, ReadModelsListRequest { page_token: token, ..of("a") }).await.unwrap().documents[0].id, "2");
}

#[tokio::test]
async fn a_new_generation_is_made_aside_and_seen_at_once_when_it_is_switched_to() {
    let (mut server, client, api) = with_events(9).await;
    put(&api, "m", 0, 5, doc("t", "old", "1")).await.unwrap();
    assert_eq!(begin(&api, "m").await, 2);
    assert_eq!(begin(&api, "m").await, 3);
    assert_eq!(describe(&api, "m").await.unwrap(), [(1, 5, true), (2, 0, false), (3, 0, false)]);
    let into = |generation| ReadModelsWriteRequest {
        generation,
        upserts: vec![doc("t", "new", generation.to_string())],
        ..moves("m", 0, 7)
    };
    assert_eq!(write(&api, into(2)).await.unwrap(), 2);
    assert_eq!(write(&api, into(3)).await.unwrap(), 3);
    assert_refused("unknown", write(&api, into(4)).await, Code::NotFound, "READ_MODEL_NOT_FOUND");
    assert_refused("unseen", get(&api, "m", 0, "t", "new").await, Code::NotFound, "READ_MODEL_NOT_FOUND");
    assert_eq!(get(&api, "m", 3, "t", "new").await.unwrap(), (b"3".to_vec(), 7));
    assert_eq!(get(&api, "m", 0, "t", "old").await.unwrap(), (b"1".to_vec(), 5));
    server.restart().await;
    head(&client).await;
    assert_eq!(describe(&api, "m").await.unwrap(), [(1, 5, true), (2, 7, false), (3, 7, false)]);

    let wrong = switch(&api, "m", 2, Some(6)).await.unwrap_err();
    let told: proto::WrongReadModelPosition = detail(&wrong, "WrongReadModelPosition");
    assert_eq!((told.generation, told.expected_position, told.actual_position), (2, 6, 7));
    assert_refused::<()>("wrong", Err(wrong), Code::FailedPrecondition, "WRONG_READ_MODEL_POSITION");
    for unknown in [0, 4, u64::MAX] {
        let refused = switch(&api, "m", unknown, None).await;
        assert_refused("unknown", refused, Code::NotFound, "READ_MODEL_NOT_FOUND");
    }
    switch(&api, "m", 2, Some(7)).await.unwrap();
    switch(&api, "m", 2, None).await.unwrap();
    assert_eq!(describe(&api, "m").await.unwrap(), [(2, 7, true), (3, 7, false)]);
    assert_eq!(get(&api, "m", 0, "t", "new").await.unwrap(), (b"2".to_vec(), 7));
    for (generation, id) in [(0, "old"), (1, "old")] {
        let gone = get(&api, "m", generation, "t", id).await;
        assert_refused("old", gone, Code::NotFound, "READ_MODEL_NOT_FOUND");
    }
    let active = delete(&api, "m", 2).await;
    assert_refused("the active one", active, Code::InvalidArgument, "INVALID_ARGUMENT");
    delete(&api, "m", 3).await.unwrap();
    assert_refused("again", delete(&api, "m", 3).await, Code::NotFound, "READ_MODEL_NOT_FOUND");
    assert_eq!(describe(&api, "m").await.unwrap(), [(2, 7, true)]);
    assert_eq!(begin(&api, "m").await, 4, "no number is given out twice");
    delete(&api, "m", 0).await.unwrap();
    for _ in 0..2 {
        assert_refused("deleted", describe(&api, "m").await, Code::NotFound, "READ_MODEL_NOT_FOUND");
        assert_refused("deleted", delete(&api, "m", 0).await, Code::NotFound, "READ_MODEL_NOT_FOUND");
        server.restart().await;
        head(&client).await;
    }
    let begun = begin(&api, "m").await;
    assert_eq!(describe(&api, "m").await.unwrap(), [(begun, 0, true)], "a model that is begun is seen");
    assert_eq!(all(&api, listing("m", 0)).await, []);
}

#[tokio::test]
async fn the_documents_of_a_generation_that_was_left_are_gone_however_many() {
    let (_server, _client, api) = with_events(9).await;
    let many = |number: u64| (0..1500).map(move |id| doc("t", &format!("{number}-{id}"), "x")).collect();
    for number in 0..3 {
        write(&api, ReadModelsWriteRequest { upserts: many(number), ..moves("m", number, number + 1) }).await.unwrap();
    }
    let (other, upserts) = (begin(&api, "m").await, vec![doc("t", "only", "x")]);
    write(&api, ReadModelsWriteRequest { generation: other, upserts, ..moves("m", 0, 9) }).await.unwrap();
    switch(&api, "m", other, None).await.unwrap();
    assert_eq!(all(&api, listing("m", 0)).await.len(), 1);
    delete(&api, "m", 0).await.unwrap();
    put(&api, "m", 0, 1, doc("t", "first", "x")).await.unwrap();
    assert_eq!(all(&api, listing("m", 1000)).await.len(), 1, "a model of this name holds nothing of the one before");
}

#[tokio::test]
async fn read_models_are_listed_in_order_by_any_page_size() {
    let (_server, _client, api) = with_events(1).await;
    let names: Vec<String> = (0..25).map(|number| format!("m-{number:02}")).collect();
    for name in names.iter().rev().map(String::as_str).chain(["a", "n"]) {
        write(&api, moves(name, 0, 1)).await.unwrap();
    }
    for page_size in [1, 7, 24, 25, 26, 0] {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = proto::ReadModelsListModelsRequest { prefix: "m-".into(), page_size, page_token };
            let page = api.clone().list_models(request).await.unwrap().into_inner();
            found.extend(page.models);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, names, "by {page_size}");
    }
    let other = proto::ReadModelsListModelsRequest { prefix: "a".into(), page_size: 1, page_token: "m-03".into() };
    assert_refused("a list", api.clone().list_models(other).await, Code::InvalidArgument, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn of_many_who_write_from_the_same_position_one_does() {
    let (_server, _client, api) = with_events(50).await;
    for position in 0..50 {
        let tries = (0..8).map(|number: u32| {
            let api = api.clone();
            tokio::spawn(async move { put(&api, "m", position, position + 1, doc("t", "1", number.to_string())).await })
        });
        let mut written = 0;
        for one in tries.collect::<Vec<_>>() {
            match one.await.unwrap() {
                Ok(_) => written += 1,
                refused => {
                    assert_refused("late", refused, Code::FailedPrecondition, "WRONG_READ_MODEL_POSITION");
                }
            }
        }
        assert_eq!(written, 1, "at {position}");
    }
}

/// What a write at a position leaves: a counter, a document of its own, and one that it takes away.
fn step(position: u64) -> ReadModelsWriteRequest {
    let upserts = vec![
        doc("sum", "all", position.to_string()),
        doc("event", &format!("{position:06}"), vec![b'x'; (position % 50 * 400) as usize]),
    ];
    let deletes = position.checked_sub(10).map(|old| key("event", &format!("{old:06}")));
    ReadModelsWriteRequest { upserts, deletes: deletes.into_iter().collect(), ..moves("", position - 1, position) }
}

#[tokio::test]
async fn after_a_kill_the_documents_are_exactly_those_of_the_position_that_is_told() {
    let (mut server, client, api) = with_events(5000).await;
    let models = ["a", "b", "c"];
    let mut reached = 0;
    for round in 1..=5_u64 {
        let writing = models.map(|model| {
            let api = api.clone();
            tokio::spawn(async move {
                let mut at = describe(&api, model).await.map_or(0, |found| found[0].1);
                while at < 5000 {
                    at += 1;
                    if write(&api, ReadModelsWriteRequest { model: model.into(), ..step(at) }).await.is_err() {
                        return;
                    }
                }
            })
        });
        let until = reached + 40 * round;
        within("some writes", async { while describe(&api, "a").await.map_or(0, |found| found[0].1) < until {} }).await;
        crash(&mut server, &client).await;
        for one in writing {
            within("a writer", one).await.unwrap();
        }
        for model in models {
            let Ok(found) = describe(&api, model).await else { continue };
            let at = found[0].1;
            let documents = all(&api, listing(model, 0)).await;
            let ids: Vec<_> = documents.iter().filter(|it| it.0 == "event").map(|it| it.1.clone()).collect();
            let kept = (at.saturating_sub(9).max(1)..=at).map(|position| format!("{position:06}"));
            assert!(ids.iter().cloned().eq(kept), "{model} at {at}: {ids:?}");
            let sum = documents.iter().find(|it| it.0 == "sum").map(|it| it.2.clone());
            assert_eq!(sum, Some(at.to_string().into_bytes()), "{model}");
            for (kind, id, data) in &documents {
                let position: u64 = id.parse().unwrap_or_default();
                assert!(kind != "event" || data.len() as u64 == position % 50 * 400, "{model} {id}");
            }
        }
        reached = describe(&api, "a").await.map_or(0, |found| found[0].1);
    }
}

/// Once, the position that a page told was read before its documents.
#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let (mut server, client, api) = with_events(20).await;
    for position in 1..=20 {
        put(&api, "m", position - 1, position, doc("d", "one", position.to_string())).await.unwrap();
        crash(&mut server, &client).await;
        assert_eq!(get(&api, "m", 0, "d", "one").await.unwrap(), (position.to_string().into_bytes(), position));
    }
}

#[tokio::test]
async fn a_page_holds_the_documents_of_the_position_that_it_tells() {
    let (_server, _client, api) = with_events(400).await;
    let writing = async {
        for position in 1..=400 {
            write(&api, ReadModelsWriteRequest { model: "m".into(), ..step(position) }).await.unwrap();
        }
    };
    let reading = async {
        let mut at = 0;
        while at < 400 {
            let Ok(page) = list(&api, ReadModelsListRequest { r#type: "sum".into(), ..listing("m", 0) }).await else {
                tokio::task::yield_now().await;
                continue;
            };
            at = page.position;
            assert_eq!(page.documents[0].data, at.to_string());
            assert_eq!(page.documents[0].position, at);
            let (sum, position) = get(&api, "m", 0, "sum", "all").await.unwrap();
            assert_eq!(sum, position.to_string().into_bytes());
        }
    };
    within("all writes", async { tokio::join!(writing, reading) }).await;
}

#[tokio::test]
async fn tenants_have_read_models_of_their_own() {
    let (server, _client, api) = with_events(3).await;
    let other = server.client_with_tenant("other").await;
    append(&other, "s", events(0..2)).await;
    let of_other = |message| {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("quipu-tenant", "other".parse().unwrap());
        request
    };
    put(&api, "m", 0, 3, doc("t", "1", "mine")).await.unwrap();
    let theirs = ReadModelsWriteRequest { upserts: vec![doc("t", "1", "theirs")], ..moves("m", 0, 2) };
    api.clone().write(of_other(theirs)).await.unwrap();
    assert_eq!(get(&api, "m", 0, "t", "1").await.unwrap(), (b"mine".to_vec(), 3));
    let beyond = api.clone().write(of_other(moves("m", 2, 3))).await;
    assert_refused("their log ends", beyond, Code::OutOfRange, "BEYOND_END");
    delete(&api, "m", 0).await.unwrap();
    let mut request = tonic::Request::new(proto::ReadModelsDescribeRequest { model: "m".into() });
    request.metadata_mut().insert("quipu-tenant", "other".parse().unwrap());
    assert_eq!(api.clone().describe(request).await.unwrap().into_inner().generations[0].position, 2);
    let mut request = tonic::Request::new(proto::ReadModelsDescribeRequest { model: "m".into() });
    request.metadata_mut().insert("quipu-tenant", "absent".parse().unwrap());
    assert_refused("no tenant", api.clone().describe(request).await, Code::NotFound, "TENANT_NOT_FOUND");
}

#[tokio::test]
async fn a_read_model_whose_files_are_lost_is_gone_and_the_log_is_as_it_was() {
    let (mut server, client, api) = with_events(9).await;
    put(&api, "m", 0, 9, doc("t", "1", "x")).await.unwrap();
    client.set_checkpoint("c", 5, quipu_client::ExpectedCheckpoint::Any).await.unwrap();
    let before = log(&client).await;
    let directory = server.data().join("tenants/default/read-models");
    for damaged in [false, true] {
        server.stop().await;
        if damaged {
            std::fs::write(directory.join("conf"), [b'x'; 100]).unwrap();
        } else {
            std::fs::remove_dir_all(&directory).unwrap();
        }
        server.run();
        assert_eq!(log(&client).await, before);
        assert_eq!(client.get_checkpoint("c").await.unwrap().unwrap().position, 5);
        assert_refused("gone", describe(&api, "m").await, Code::NotFound, "READ_MODEL_NOT_FOUND");
        assert_refused("gone", get(&api, "m", 0, "t", "1").await, Code::NotFound, "READ_MODEL_NOT_FOUND");
        put(&api, "m", 0, 9, doc("t", "1", "x")).await.unwrap();
    }
    assert_eq!(all(&api, listing("m", 0)).await, [("t".to_owned(), "1".to_owned(), b"x".to_vec())]);
}
