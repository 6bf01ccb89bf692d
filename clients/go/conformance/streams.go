package main

// The lives of streams, statistics, tenants, bad input.

import (
	"fmt"
	"strings"
	"time"

	quipu "quipu/client"
	"quipu/client/quipupb"
)

func streamLife(t *trial) {
	client := t.fresh()
	_, err := client.Streams.Get(t.ctx, "order-1")
	refused(quipu.StreamNotFound, err)
	t.append(client, "order-1", numbered("Placed", 0, 5)...)
	info := must(client.Streams.Get(t.ctx, "order-1"))
	check(*info.FirstRevision == 0 && *info.HeadRevision == 4 && info.EventCount == 5 && info.LastPosition == 5 &&
		info.Metadata == nil && !info.LastRecordedAt.IsZero(), "what is known: %+v", info)

	kept := quipu.StreamMetadata{MaxCount: 3, MaxAge: time.Hour, Properties: map[string]string{"owner": "ada"}}
	must(client.Streams.SetMetadata(t.ctx, "order-1", kept, quipu.Revision(4)))
	equal(*must(client.Streams.Get(t.ctx, "order-1")).Metadata, kept, "the metadata")
	equal(t.numbers(client, "order-1"), []int{2, 3, 4}, "what is shown")
	must(client.Streams.SetMetadata(t.ctx, "order-1", quipu.StreamMetadata{TruncateBefore: 4}, quipu.Any))
	equal(t.numbers(client, "order-1"), []int{4}, "what is left")

	_, err = client.Streams.Delete(t.ctx, "order-1", quipu.Revision(0))
	refused(quipu.WrongExpectedRevision, err)
	deletedAt := must(client.Streams.Delete(t.ctx, "order-1", quipu.Revision(4)))
	_, err = client.Streams.Get(t.ctx, "order-1")
	refused(quipu.StreamDeleted, err)
	equal(must(client.Streams.Delete(t.ctx, "order-1", quipu.Any)), deletedAt, "deleting it again")
	revived := must(client.Append(t.ctx, "order-1", quipu.NoStream, numbered("Placed", 9, 1)))
	equal(revived.FirstRevision, 5, "the revision after a revival")
	equal(t.numbers(client, "order-1"), []int{9}, "what a revived stream shows")

	must(client.Streams.Tombstone(t.ctx, "order-1", quipu.Any))
	must(client.Streams.Tombstone(t.ctx, "never-1", quipu.NoStream))
	for _, stream := range []string{"order-1", "never-1"} {
		_, err = client.Append(t.ctx, stream, quipu.Any, numbered("Placed", 0, 1))
		refused(quipu.StreamTombstoned, err)
		_, err = client.ReadStream(t.ctx, stream, quipu.ReadStreamOptions{}).Collect()
		refused(quipu.StreamTombstoned, err)
	}

	for i := range 130 {
		t.append(client, fmt.Sprintf("list-%03d", i), numbered("Placed", 0, 1)...)
	}
	t.append(client, "listed", numbered("Placed", 0, 1)...)
	equal(len(all(client.Streams.List(t.ctx, quipu.ListStreamsOptions{Category: "list"}))), 130, "of a category")
	equal(len(all(client.Streams.List(t.ctx, quipu.ListStreamsOptions{Prefix: "list"}))), 131, "by prefix")
	names := all(client.Streams.List(t.ctx, quipu.ListStreamsOptions{PageSize: 7}))
	check(len(names) == 131 && names[0] == "list-000", "all: %d", len(names))
	system := all(client.Streams.List(t.ctx, quipu.ListStreamsOptions{Prefix: "$", IncludeSystem: true}))
	check(len(system) > 0, "system streams are listed on demand")
}

func statistics(t *trial) {
	client := t.fresh()
	t.append(client, "order-1", numbered("Placed", 0, 3)...)
	t.append(client, "order-2", numbered("Paid", 0, 2)...)
	t.append(client, "plain", numbered("Placed", 0, 1)...)
	counted := must(client.Streams.Statistics(t.ctx))
	check(counted.Events == 6 && counted.Streams == 3, "events and streams: %+v", counted)
	equal(counted.Types, []quipu.NamedCount{{Name: "Placed", Events: 4}, {Name: "Paid", Events: 2}}, "by type")
	equal(counted.Categories, []quipu.NamedCount{{Name: "order", Events: 5}}, "by category")
	var days uint64
	for _, day := range counted.Days {
		days += day.Events
	}
	equal(days, 6, "by day")
	equal(all(client.Streams.ListEventTypes(t.ctx, "")),
		[]quipu.NamedCount{{Name: "Paid", Events: 2}, {Name: "Placed", Events: 4}}, "types")
	equal(len(all(client.Streams.ListEventTypes(t.ctx, "Pl"))), 1, "types by prefix")
}

func tenants(t *trial) {
	server := t.server()
	ada, ben := t.client(server, quipu.Options{Tenant: "ada"}), t.client(server, quipu.Options{Tenant: "ben"})
	nobody := t.client(server, quipu.Options{})
	t.append(ada, "order-1", numbered("Placed", 1, 2)...)
	t.append(ben, "order-1", numbered("Placed", 7, 1)...)
	equal(t.numbers(ada, "order-1"), []int{1, 2}, "ada's")
	equal(t.numbers(ben, "order-1"), []int{7}, "ben's")
	first, second := must(ada.ServerInfo(t.ctx)), must(ben.ServerInfo(t.ctx))
	check(first.Tenant == "ada" && first.Head == 2 && second.Head == 1 && first.LogID != second.LogID,
		"each has a log of its own: %+v %+v", first, second)
	equal(must(nobody.ServerInfo(t.ctx)).Tenant, "default", "the tenant of nobody")
	_, err := nobody.ReadStream(t.ctx, "order-1", quipu.ReadStreamOptions{}).Collect()
	check(err != nil, "the default tenant sees nothing")
}

// badInput has a typed reason for each kind of bad input, and changes nothing.
func badInput(t *trial) {
	client := t.fresh()
	info := must(client.ServerInfo(t.ctx))
	put := func(stream string, events ...quipu.NewEvent) error {
		_, err := client.Append(t.ctx, stream, quipu.Any, events)
		return err
	}
	good := quipu.NewEvent{Type: "Placed"}
	refused(quipu.InvalidArgument, put("", good))
	refused(quipu.InvalidArgument, put("$mine", good))
	refused(quipu.InvalidArgument, put("order-1"))
	refused(quipu.InvalidArgument, put("order-1", quipu.NewEvent{}))
	refused(quipu.InvalidArgument, put("order-1", quipu.NewEvent{Type: "Placed", ID: "no-uuid"}))
	refused(quipu.InvalidArgument, put("order-1", quipu.NewEvent{Type: "Placed", Tags: []string{"a", "a"}}))
	long := put("order-1", quipu.NewEvent{Type: strings.Repeat("x", int(info.Limits.EventTypeBytes)+1)})
	refused(quipu.LimitExceeded, long)
	detail, found := quipu.Detail[*quipupb.LimitExceeded](long)
	check(found && detail.GetLimit() == "event_type_bytes" && detail.GetActual() == info.Limits.EventTypeBytes+1,
		"the detail names the limit: %v", detail)
	refused(quipu.LimitExceeded, put(strings.Repeat("x", int(info.Limits.StreamNameBytes)+1), good))
	refused(quipu.LimitExceeded, put("order-1",
		quipu.NewEvent{Type: "Placed", Data: make([]byte, info.Limits.DataBytes+1)}))
	check(put("order-1", quipu.NewEvent{Type: "Placed", Data: func() {}}) != nil, "data without a JSON form")

	_, err := client.ReadAll(t.ctx, quipu.ReadAllOptions{Query: quipu.Match(quipu.QueryItem{})}).Collect()
	refused(quipu.InvalidArgument, err)
	_, err = client.ReadAll(t.ctx, quipu.ReadAllOptions{From: quipu.FromPosition(50)}).Collect()
	refused(quipu.BeyondEnd, err)
	_, err = client.ReadAll(t.ctx, quipu.ReadAllOptions{From: quipu.AfterRevision(1)}).Collect()
	check(err != nil, "a place that is none of the log's")
	_, err = client.GetEvent(t.ctx, quipu.NewID())
	refused(quipu.EventNotFound, err)
	_, err = client.GetEventAt(t.ctx, 7)
	refused(quipu.EventNotFound, err)
	_, err = client.Checkpoints.Set(t.ctx, "$mine", 0, quipu.AnyCheckpoint())
	refused(quipu.InvalidArgument, err)
	_, err = client.Snapshots.Save(t.ctx, quipu.SnapshotToSave{Stream: "nobody", Data: 1})
	refused(quipu.StreamNotFound, err)
	_, err = client.Transact(t.ctx, quipu.Transaction{})
	refused(quipu.InvalidArgument, err)
	equal(must(client.ServerInfo(t.ctx)).Head, info.Head, "the head: nothing was changed")

	t.append(client, "order-1", numbered("Placed", 0, 1)...)
	_, err = client.Snapshots.Save(t.ctx, quipu.SnapshotToSave{Stream: "order-1", Revision: 3, Data: 1})
	refused(quipu.SnapshotAhead, err)

	gone := t.server()
	away := t.client(gone, quipu.Options{Retry: quipu.RetryPolicy{Attempts: 2}})
	gone.Kill()
	_, err = away.ServerInfo(t.ctx)
	check(quipu.IsRetryable(err) && quipu.ReasonOf(err) == "", "a server that is away: %v", err)
}
