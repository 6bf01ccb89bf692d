package main

// Following: live, and over kills.

import (
	"context"

	quipu "quipu/client"
)

func subscribeLive(t *trial) {
	client := t.fresh()
	t.append(client, "order-1", numbered("Placed", 0, 3)...)

	// The whole log: what is there, the signal, what comes.
	var caughtUpAt uint64
	var seen []uint64
	for message, err := range client.SubscribeAll(t.ctx, quipu.SubscribeAllOptions{}).Messages() {
		ok(err)
		switch message.Signal {
		case quipu.CaughtUp:
			caughtUpAt = message.Position
			t.append(client, "order-2", numbered("Placed", 0, 2)...)
		case quipu.NoSignal:
			seen = append(seen, message.Event.Position)
		}
		if len(seen) == 5 {
			break
		}
	}
	equal(caughtUpAt, 3, "caught up at")
	equal(seen, span(1, 5), "positions seen")

	// A query, from a place, and the checkpoint behind what does not match.
	t.append(client, "letter-1", numbered("Sent", 0, 1)...)
	found := take(1, client.SubscribeAll(t.ctx, quipu.SubscribeAllOptions{
		From: quipu.AfterPosition(2), Query: quipu.OfTypes("Sent"),
	}).Events())
	equal(found[0].Position, 6, "the event that matches")

	// A stream, also one that is not there yet.
	ctx, cancel := context.WithCancel(t.ctx)
	revisions, following := newJournal[uint64](), newJournal[quipu.Signal]()
	wait := background(func() error {
		for message, err := range client.SubscribeStream(ctx, "later-1", quipu.SubscribeStreamOptions{}).Messages() {
			if err != nil {
				return err
			}
			if message.Event != nil {
				revisions.add(message.Event.Revision)
			} else {
				following.add(message.Signal)
			}
		}
		return nil
	})
	following.await(t, "caught up", func(signals []quipu.Signal) bool { return len(signals) > 0 })
	t.append(client, "other-1", numbered("Placed", 0, 1)...)
	t.append(client, "later-1", numbered("Placed", 0, 3)...)
	equal(revisions.await(t, "three events", func(it []uint64) bool { return len(it) >= 3 }), span(0, 2), "revisions")
	cancel()
	err := wait()
	check(ctx.Err() != nil && err != nil && !quipu.IsRetryable(err), "a subscription ends with its context: %v", err)

	equal(take(1, client.SubscribeStream(t.ctx, "later-1", quipu.SubscribeStreamOptions{
		From: quipu.AfterRevision(1),
	}).Events())[0].Revision, 2, "the revision behind 1")

	// From the end: nothing of before.
	for message, err := range client.SubscribeAll(t.ctx, quipu.SubscribeAllOptions{From: quipu.End()}).Messages() {
		ok(err)
		if message.Signal == quipu.CaughtUp {
			t.append(client, "end-1", numbered("Ended", 0, 1)...)
		}
		if message.Event != nil {
			equal(message.Event.Type, "Ended", "the first event from the end")
			break
		}
	}
	for _, err := range client.SubscribeAll(t.ctx, quipu.SubscribeAllOptions{From: quipu.AfterPosition(999)}).Events() {
		refused(quipu.BeyondEnd, err)
	}
}

// subscribeResume kills the server while events flow: each comes once, in order.
func subscribeResume(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	const count = 300
	writing := background(func() error {
		for i := range count {
			stream := "order-even"
			if i%2 == 1 {
				stream = "order-odd"
			}
			if _, err := client.Append(t.ctx, stream, quipu.Any, numbered("Placed", i, 1)); err != nil {
				return err
			}
		}
		return nil
	})
	log, stream := newJournal[uint64](), newJournal[uint64]()
	ctx, cancel := context.WithCancel(t.ctx)
	followLog := background(func() error {
		return tell(client.SubscribeAll(ctx, quipu.SubscribeAllOptions{}), log,
			func(event *quipu.RecordedEvent) uint64 { return event.Position })
	})
	followStream := background(func() error {
		return tell(client.SubscribeStream(ctx, "order-odd", quipu.SubscribeStreamOptions{}), stream,
			func(event *quipu.RecordedEvent) uint64 { return event.Revision })
	})
	for kill := range 3 {
		log.await(t, "events of the log", func(seen []uint64) bool { return len(seen) >= (kill+1)*count/5 })
		ok(server.KillAndRestart())
	}
	ok(writing())
	equal(log.await(t, "the log", func(it []uint64) bool { return len(it) >= count }), span(1, count), "positions")
	stream.await(t, "the stream", func(it []uint64) bool { return len(it) >= count/2 })
	equal(stream.read(), span(0, count/2-1), "revisions")
	cancel()
	check(followLog() != nil && followStream() != nil, "subscriptions end with their context")
}

func tell(
	subscription *quipu.Subscription, into *journal[uint64], place func(*quipu.RecordedEvent) uint64,
) error {
	for event, err := range subscription.Events() {
		if err != nil {
			return err
		}
		into.add(place(event))
	}
	return nil
}
