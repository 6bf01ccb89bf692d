package main

// Reading: a stream, the log by queries, over a break in the middle.

import (
	"fmt"
	"strings"
	"time"

	quipu "quipu/client"
)

func readStream(t *trial) {
	client := t.fresh()
	business := time.Date(2020, 2, 29, 12, 0, 0, 5000, time.UTC)
	told := quipu.NewEvent{
		ID: quipu.NewID(), Type: "Told", Data: []byte{0, 255}, ContentType: "application/octet-stream",
		Metadata: map[string]string{"by": "ada"}, SchemaVersion: "2.1", CorrelationID: "talk-1", CausationID: "word-1",
		Tags: []string{"a:1", "b:2"}, OccurredAt: business,
	}
	t.append(client, "talk-1", told)
	t.append(client, "talk-1", numbered("Said", 1, 4)...)

	read := func(options quipu.ReadStreamOptions) []uint64 {
		var revisions []uint64
		for _, event := range must(client.ReadStream(t.ctx, "talk-1", options).Collect()) {
			revisions = append(revisions, event.Revision)
		}
		return revisions
	}
	equal(read(quipu.ReadStreamOptions{}), span(0, 4), "all")
	equal(read(quipu.ReadStreamOptions{From: quipu.FromRevision(3)}), span(3, 4), "from 3")
	equal(read(quipu.ReadStreamOptions{From: quipu.FromRevision(5)}), nil, "from one past the last")
	equal(read(quipu.ReadStreamOptions{Limit: 2}), span(0, 1), "two")
	equal(read(quipu.ReadStreamOptions{Backwards: true, Limit: 2}), []uint64{4, 3}, "the last two")
	equal(read(quipu.ReadStreamOptions{Backwards: true, From: quipu.FromRevision(1)}), []uint64{1, 0}, "back from 1")
	equal(read(quipu.ReadStreamOptions{Types: []string{"Said"}, Limit: 1}), span(1, 1), "by type")

	reading := client.ReadStream(t.ctx, "talk-1", quipu.ReadStreamOptions{})
	event := must(reading.Collect())[0]
	head, isKnown := reading.Head()
	check(isKnown && head == 4, "the head of the read: %d", head)
	check(event.ID == told.ID && string(event.Data) == "\x00\xff" && event.ContentType == told.ContentType &&
		event.Metadata["by"] == "ada" && event.Version() == "2.1" && event.CorrelationID == "talk-1" &&
		event.CausationID == "word-1" && fmt.Sprint(event.Tags) == "[a:1 b:2]" && event.OccurredAt.Equal(business) &&
		event.Stream == "talk-1" && event.Position == 1 && !event.RecordedAt.IsZero(), "an event comes back: %+v", event)
	equal(must(client.GetEvent(t.ctx, told.ID)), event, "the event by its id")
	equal(must(client.GetEventAt(t.ctx, 1)), event, "the event by its position")

	_, err := client.ReadStream(t.ctx, "nobody", quipu.ReadStreamOptions{}).Collect()
	refused(quipu.StreamNotFound, err)
	_, err = client.ReadStream(t.ctx, "talk-1", quipu.ReadStreamOptions{From: quipu.FromRevision(7)}).Collect()
	refused(quipu.BeyondEnd, err)
	equal(len(take(2, client.ReadStream(t.ctx, "talk-1", quipu.ReadStreamOptions{}).Events())), 2, "leaving the loop")
}

func readAllQuery(t *trial) {
	client := t.fresh()
	for i := range 30 {
		event := quipu.NewEvent{
			Type: []string{"Placed", "Paid", "Sent"}[i%3], Tags: []string{fmt.Sprintf("customer:%d", i%5)},
			CorrelationID: fmt.Sprintf("talk-%d", i%7),
		}
		t.append(client, fmt.Sprintf("%s-%d", []string{"order", "letter"}[i%2], i%4), event)
	}
	everything := must(client.ReadAll(t.ctx, quipu.ReadAllOptions{}).Collect())
	equal(positions(everything), span(1, 30), "the whole log")
	type filter func(event *quipu.RecordedEvent) bool
	queries := map[string]struct {
		query   quipu.Query
		matches filter
	}{
		"all":  {quipu.Query{All: true}, func(*quipu.RecordedEvent) bool { return true }},
		"type": {quipu.OfTypes("Paid"), func(it *quipu.RecordedEvent) bool { return it.Type == "Paid" }},
		"tag":  {quipu.OfTags("customer:3"), func(it *quipu.RecordedEvent) bool { return it.Tags[0] == "customer:3" }},
		"category": {
			quipu.Match(quipu.QueryItem{Categories: []string{"order"}}),
			func(it *quipu.RecordedEvent) bool { return strings.HasPrefix(it.Stream, "order-") },
		},
		"prefix": {
			quipu.Match(quipu.QueryItem{StreamPrefix: "letter-1"}),
			func(it *quipu.RecordedEvent) bool { return strings.HasPrefix(it.Stream, "letter-1") },
		},
		"correlation": {
			quipu.Match(quipu.QueryItem{CorrelationID: "talk-4"}),
			func(it *quipu.RecordedEvent) bool { return it.CorrelationID == "talk-4" },
		},
		"two items": {
			quipu.Match(
				quipu.QueryItem{Types: []string{"Sent"}, Tags: []string{"customer:2"}},
				quipu.QueryItem{CorrelationID: "talk-1"}),
			func(it *quipu.RecordedEvent) bool {
				return it.Type == "Sent" && it.Tags[0] == "customer:2" || it.CorrelationID == "talk-1"
			},
		},
	}
	for name, each := range queries {
		var forwards, backwards []uint64
		for _, event := range everything {
			if each.matches(event) {
				forwards = append(forwards, event.Position)
				backwards = append([]uint64{event.Position}, backwards...)
			}
		}
		found := must(client.ReadAll(t.ctx, quipu.ReadAllOptions{Query: each.query}).Collect())
		equal(positions(found), forwards, name+" forwards")
		found = must(client.ReadAll(t.ctx, quipu.ReadAllOptions{Query: each.query, Backwards: true}).Collect())
		equal(positions(found), backwards, name+" backwards")
		found = must(client.ReadAll(t.ctx, quipu.ReadAllOptions{Query: each.query, Limit: 1}).Collect())
		equal(positions(found), forwards[:1], name+" with a limit")
	}
	middle := quipu.FromTime(everything[14].RecordedAt)
	for _, event := range must(client.ReadAll(t.ctx, quipu.ReadAllOptions{From: middle}).Collect()) {
		check(!event.RecordedAt.Before(everything[14].RecordedAt), "an event from before the time")
	}
	for _, event := range must(client.ReadAll(t.ctx, quipu.ReadAllOptions{From: middle, Backwards: true}).Collect()) {
		check(!event.RecordedAt.After(everything[14].RecordedAt), "an event from after the time")
	}
	reading := client.ReadAll(t.ctx, quipu.ReadAllOptions{Query: quipu.OfTypes("Nothing")})
	equal(len(must(reading.Collect())), 0, "what matches nothing")
	head, isKnown := reading.Head()
	check(isKnown && head == 30, "the head of a read without events: %d", head)

	must(client.Streams.Delete(t.ctx, "order-0", quipu.Any))
	equal(len(must(client.ReadAll(t.ctx, quipu.ReadAllOptions{}).Collect())), 30, "without system streams")
	equal(len(must(client.ReadAll(t.ctx, quipu.ReadAllOptions{IncludeSystem: true}).Collect())), 31, "with them")
}

// readResume kills the server in the middle of reads: each event comes once and in order.
func readResume(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	const count = 400
	filler := strings.Repeat("x", 100_000) // so that a read is of many messages, beyond what buffers hold
	for from := 0; from < count; from += 100 {
		events := make([]quipu.NewEvent, 100)
		for i := range events {
			events[i] = quipu.NewEvent{Type: "Filled", Data: filler}
		}
		t.append(client, "big-1", events...)
	}
	for _, backwards := range []bool{false, true} {
		reads := map[string]*quipu.Reading{
			"stream": client.ReadStream(t.ctx, "big-1", quipu.ReadStreamOptions{Backwards: backwards}),
			"log":    client.ReadAll(t.ctx, quipu.ReadAllOptions{Backwards: backwards, Limit: count - 5}),
		}
		for name, reading := range reads {
			var found []uint64
			for event, err := range reading.Events() {
				ok(err)
				if found = append(found, event.Position); len(found) == 30 {
					ok(server.KillAndRestart())
				}
			}
			expected := span(1, count)
			if backwards {
				expected = nil
				for position := uint64(count); position > 0; position-- {
					expected = append(expected, position)
				}
			}
			if name == "log" {
				expected = expected[:count-5]
			}
			equal(found, expected, fmt.Sprintf("the %s, backwards %v", name, backwards))
		}
	}
}
