//! Scenarios of what is refused, each with its reason.

use std::time::Duration;

use quipu_client::Transaction;
use quipu_client::{Client, Error, Expected, GroupSettings, GroupStart, Guard, ListDocuments, NewEvent};
use quipu_client::{
    NotSettledReason, Query, QueryItem, ReadAll, ReadModelWrite, ReadStream, Settlement, SnapshotPolicy,
};
use tonic::Code;

use crate::Outcome;
use crate::server::Server;
use crate::waiting::{fill, numbered};

fn told<T: std::fmt::Debug>(what: &str, outcome: Result<T, Error>) -> (Option<Code>, String) {
    let error = outcome.expect_err(what);
    (error.code(), error.reason().unwrap_or_default())
}

pub(crate) async fn errors(server: Server) -> Outcome {
    let client = server.client().await;
    fill(&client, "s-1", 2).await?;
    let one = || vec![numbered("Counted", 0)];
    let any = Expected::Any;
    let (refused, no_query) = ((Some(Code::InvalidArgument), "INVALID_ARGUMENT"), || Query::item(QueryItem::new()));
    let append = async |stream: &str, events| client.append(stream, any, events).await;
    let invalid = [
        told("an empty name", append("", one()).await),
        told("a system stream", append("$mine", one()).await),
        told("no events", append("s-1", Vec::new()).await),
        told("no type", append("s-1", vec![NewEvent::new("", "{}")]).await),
        told("an empty tag", append("s-1", vec![NewEvent::new("T", "{}").with_tag("")]).await),
        told("a query that says nothing", client.read_all(ReadAll::new().query(no_query())).await),
        told("a guard that says nothing", {
            client.append_guarded("s-1", any, one(), vec![Guard::none_match(no_query())]).await
        }),
        told("an empty transaction", client.transact(Transaction::new()).await),
        told("backwards from the start", client.read_stream(ReadStream::new("s-1").from_start().backwards()).await),
        told("a policy for every event", {
            client.set_snapshot_policy(SnapshotPolicy { category: "s".to_owned(), every_events: 1 }).await
        }),
        told(
            "a prefix without a type",
            client.read_model("m").list(ListDocuments::new().id_prefix("x")).collect().await,
        ),
    ];
    for told in invalid {
        assert_eq!((told.0, told.1.as_str()), refused);
    }
    let too_large = vec![NewEvent::new("T", vec![b' '; (4 << 20) + 1])];
    let limits = [
        told("a name too long", append(&"s".repeat(600), one()).await),
        told("a payload too large", append("s-1", too_large).await),
        told("too many events", append("s-1", (0..10_001).map(|_| NewEvent::new("T", "")).collect()).await),
    ];
    for told in limits {
        assert_eq!((told.0, told.1.as_str()), (Some(Code::InvalidArgument), "LIMIT_EXCEEDED"));
    }
    let beyond = told("beyond the head", client.read_all(ReadAll::new().from_position(9)).await);
    assert_eq!(beyond, (Some(Code::OutOfRange), "BEYOND_END".to_owned()));
    let beyond = client.read_model("m").write(ReadModelWrite::new(0, 9)).await;
    assert_eq!(told("a write beyond the head", beyond).1, "BEYOND_END");
    let nobody = Client::builder(server.endpoint()).tenant("no such tenant").connect().await?;
    assert_eq!(told("a bad tenant", nobody.append("s", any, one()).await).0, Some(Code::InvalidArgument));
    assert_eq!(client.server_info().await?.head, 2, "what is refused changes nothing");
    Ok(())
}

pub(crate) async fn group_errors(server: Server) -> Outcome {
    let client = server.client().await;
    let head = fill(&client, "s-1", 3).await?;
    let none = client.group("none");
    let not_found = [
        told("consume", none.consume("me", 1).await),
        told("fetch", none.fetch("me", 1, Duration::ZERO).await),
        told("settle", none.settle("me", Settlement::new().ack(1)).await),
        told("update", none.update(GroupSettings::new()).await),
        told("pause", none.pause().await),
        told("reset", none.reset(GroupStart::Start).await),
        told("parked", none.parked().collect().await),
        told("delete", none.delete().await),
    ];
    for told in not_found {
        assert_eq!(told, (Some(Code::NotFound), "GROUP_NOT_FOUND".to_owned()));
    }
    assert_eq!(none.get().await?, None);
    let bad = GroupSettings::new().query(Query::item(QueryItem::new()));
    assert_eq!(told("a bad query", client.group("bad").create(bad, GroupStart::Start).await).1, "INVALID_ARGUMENT");
    let beyond = client.group("bad").create(GroupSettings::new(), GroupStart::After(99)).await;
    assert_eq!(told("a start beyond the head", beyond).1, "BEYOND_END");
    assert_eq!(
        told("no name", client.group("").create(GroupSettings::new(), GroupStart::Start).await).1,
        "INVALID_ARGUMENT"
    );

    let group = client.group("g");
    group.create(GroupSettings::new().max_tries(3), GroupStart::Start).await?;
    group.create(GroupSettings::new().max_tries(3), GroupStart::Start).await?;
    let others = group.create(GroupSettings::new().max_tries(4), GroupStart::Start).await;
    assert_eq!(told("other settings", others), (Some(Code::AlreadyExists), "GROUP_EXISTS".to_owned()));
    let fetched = group.fetch("me", 1, Duration::from_secs(20)).await?;
    assert_eq!(fetched[0].event.position, 1);
    let settled = group.settle("me", Settlement::new().ack(head).ack(1)).await?;
    assert_eq!(settled.settled, [1]);
    assert_eq!(
        (settled.not_settled[0].position, settled.not_settled[0].reason),
        (head, NotSettledReason::NotDelivered)
    );
    let again = group.settle("me", Settlement::new().ack(1)).await?;
    assert_eq!(again.not_settled[0].reason, NotSettledReason::AlreadySettled);
    let replayed = group.replay_parked(&[1]).await;
    assert_eq!(told("not parked", replayed), (Some(Code::NotFound), "NOT_PARKED".to_owned()));
    let mut consumer = group.consume("me", 1).await?;
    let taken = group.consume("me", 1).await;
    assert_eq!(told("a taken name", taken), (Some(Code::AlreadyExists), "MEMBER_EXISTS".to_owned()));
    group.delete().await?;
    let ended = async {
        while consumer.next().await?.is_some() {}
        Ok::<(), Error>(())
    };
    assert!(matches!(ended.await, Err(Error::GroupNotFound)));
    Ok(())
}
