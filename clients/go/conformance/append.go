package main

// Appending: what is expected, retries, guards, transactions, over kills.

import (
	"fmt"
	"sync"

	quipu "quipu/client"
	"quipu/client/quipupb"
)

func appendExpected(t *trial) {
	client := t.fresh()
	one := numbered("Placed", 0, 1)
	_, err := client.Append(t.ctx, "order-1", quipu.StreamExists, one)
	refused(quipu.WrongExpectedRevision, err)
	first := must(client.Append(t.ctx, "order-1", quipu.NoStream, numbered("Placed", 0, 2)))
	equal(first, quipu.Appended{LastRevision: 1, FirstPosition: 1, LastPosition: 2}, "the first append")
	_, err = client.Append(t.ctx, "order-1", quipu.NoStream, one)
	refused(quipu.WrongExpectedRevision, err)
	check(quipu.IsConflict(err) && !quipu.IsRetryable(err), "a conflict is one, and not to be retried")
	detail, found := quipu.Detail[*quipupb.WrongExpectedRevision](err)
	check(found && detail.GetActualRevision() == 1 && detail.GetStream() == "order-1" && detail.GetHead() == 2,
		"the detail says what is so: %v", detail)
	second := must(client.Append(t.ctx, "order-1", quipu.Revision(1), one))
	equal(second.LastRevision, 2, "the revision after the exact one")
	must(client.Append(t.ctx, "order-1", quipu.StreamExists, one))
	must(client.Append(t.ctx, "order-1", quipu.Any, one))
	_, err = client.Append(t.ctx, "order-1", quipu.Revision(2), one)
	refused(quipu.WrongExpectedRevision, err)
	equal(t.numbers(client, "order-1"), []int{0, 1, 0, 0, 0}, "what went in")
}

func appendRetry(t *trial) {
	client := t.fresh()
	events := []quipu.NewEvent{{ID: quipu.NewID(), Type: "Placed", Data: 1}, {ID: quipu.NewID(), Type: "Paid", Data: 2}}
	first := must(client.Append(t.ctx, "order-1", quipu.NoStream, events))
	check(!first.Deduplicated, "the first is the first")
	again := must(client.Append(t.ctx, "order-1", quipu.NoStream, events))
	check(again.Deduplicated, "the second is recognised")
	again.Deduplicated = false
	equal(again, first, "the answer to a retry")
	_, err := client.Append(t.ctx, "order-2", quipu.Any, events)
	refused(quipu.EventIDConflict, err)
	detail, found := quipu.Detail[*quipupb.EventIdConflict](err)
	check(found && detail.GetStream() == "order-1", "the detail names the stream: %v", detail)
	event := must(client.GetEvent(t.ctx, events[1].ID))
	equal(event.Revision, 1, "the event with the id")
}

func appendGuards(t *trial) {
	client := t.fresh()
	seat := []quipu.NewEvent{{Type: "SeatTaken", Tags: []string{"course:1"}}}
	taken := quipu.Match(quipu.QueryItem{Types: []string{"SeatTaken"}, Tags: []string{"course:1"}})
	put := func(guards ...quipu.Guard) error {
		_, err := client.Append(t.ctx, "course-1", quipu.Any, seat, guards...)
		return err
	}
	refused(quipu.GuardNotMet, put(quipu.SomeMatch(taken, 0)))
	ok(put(quipu.NoneMatch(taken, 0)))
	err := put(quipu.NoneMatch(quipu.OfTypes("Other"), 0), quipu.NoneMatch(taken, 0))
	refused(quipu.GuardNotMet, err)
	detail, found := quipu.Detail[*quipupb.GuardNotMet](err)
	check(found && detail.GetIndex() == 1 && detail.GetEvent().GetPosition() == 1, "the detail says which: %v", detail)
	ok(put(quipu.NoneMatch(taken, detail.GetHead())))
	ok(put(quipu.SomeMatch(taken, 0)))
	refused(quipu.BeyondEnd, put(quipu.NoneMatch(taken, 99)))
	ok(put(quipu.StreamIs("course-2", quipu.NoStream), quipu.StreamIs("course-1", quipu.Revision(2))))
	refused(quipu.GuardNotMet, put(quipu.StreamIs("course-1", quipu.Revision(0))))
	ok(put(quipu.NoCheckpoint("mailer")))
	must(client.Checkpoints.Set(t.ctx, "mailer", 3, quipu.AnyCheckpoint()))
	refused(quipu.GuardNotMet, put(quipu.NoCheckpoint("mailer")))
	refused(quipu.GuardNotMet, put(quipu.CheckpointIs("mailer", 2)))
	ok(put(quipu.CheckpointIs("mailer", 3)))

	// Of many who claim what nobody has, one does.
	var claims sync.WaitGroup
	outcomes := newJournal[error]()
	for range 8 {
		claims.Go(func() {
			claim := []quipu.NewEvent{{Type: "NameClaimed", Tags: []string{"name:ada"}}}
			_, err := client.Append(t.ctx, "user-"+quipu.NewID(), quipu.NoStream, claim,
				quipu.NoneMatch(quipu.OfTags("name:ada"), 0))
			outcomes.add(err)
		})
	}
	claims.Wait()
	won := 0
	for _, err := range outcomes.read() {
		if err == nil {
			won++
		} else {
			refused(quipu.GuardNotMet, err)
		}
	}
	equal(won, 1, "winners")
}

func transact(t *trial) {
	client := t.fresh()
	t.append(client, "input-1", numbered("Asked", 0, 2)...)
	move := quipu.Transaction{
		Appends: []quipu.StreamAppend{
			{Stream: "account-1", Expected: quipu.NoStream, Events: numbered("Withdrawn", 5, 1)},
			{Stream: "account-2", Expected: quipu.NoStream, Events: numbered("Deposited", 5, 2)},
		},
		Guards:      []quipu.Guard{quipu.StreamIs("input-1", quipu.Revision(1))},
		Checkpoints: []quipu.CheckpointAdvance{{Name: "transfers", Position: 2}},
	}
	for _, part := range move.Appends {
		for i := range part.Events {
			part.Events[i].ID = quipu.NewID()
		}
	}
	done := must(client.Transact(t.ctx, move))
	equal(done.FirstPosition, 3, "the first position")
	equal(done.LastPosition, 5, "the last position")
	equal(done.Appends[1], quipu.Appended{LastRevision: 1, FirstPosition: 4, LastPosition: 5}, "the second part")
	again := must(client.Transact(t.ctx, move))
	check(again.Deduplicated, "a repeat is recognised")
	equal(must(client.Checkpoints.Get(t.ctx, "transfers")).Position, 2, "the checkpoint")

	_, err := client.Transact(t.ctx, quipu.Transaction{Appends: []quipu.StreamAppend{
		{Stream: "account-3", Expected: quipu.NoStream, Events: numbered("Withdrawn", 1, 1)},
		{Stream: "account-2", Expected: quipu.Revision(7), Events: numbered("Deposited", 1, 1)},
	}})
	refused(quipu.WrongExpectedRevision, err)
	_, err = client.ReadStream(t.ctx, "account-3", quipu.ReadStreamOptions{}).Collect()
	refused(quipu.StreamNotFound, err)
	_, err = client.Transact(t.ctx, quipu.Transaction{
		Checkpoints: []quipu.CheckpointAdvance{{Name: "transfers", Position: 2}},
	})
	refused(quipu.WrongCheckpoint, err)
	check(quipu.IsConflict(err), "a wrong checkpoint is a conflict")
	done = must(client.Transact(t.ctx, quipu.Transaction{
		Checkpoints: []quipu.CheckpointAdvance{{Name: "transfers", Position: 4}},
	}))
	equal(done.FirstPosition, 0, "a transaction without events has no position")
}

// appendResume appends while the server is killed and started again: one copy of each.
func appendResume(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	const writers, each = 4, 50
	streamOf := func(writer int) string { return fmt.Sprintf("writer-%d", writer) }
	progress := newJournal[int]()
	var writing sync.WaitGroup
	failures := make(chan error, writers)
	for writer := range writers {
		writing.Go(func() {
			stream := streamOf(writer)
			for i := range each {
				expected := quipu.NoStream
				if i > 0 {
					expected = quipu.Revision(uint64(i - 1))
				}
				if _, err := client.Append(t.ctx, stream, expected, numbered("Written", i, 1)); err != nil {
					failures <- err
					return
				}
				progress.add(i)
			}
		})
	}
	for kill := range 3 {
		progress.await(t, "appends", func(done []int) bool { return len(done) >= (kill+1)*writers*each/5 })
		ok(server.KillAndRestart())
	}
	writing.Wait()
	close(failures)
	for err := range failures {
		ok(err)
	}
	for writer := range writers {
		numbers := t.numbers(client, streamOf(writer))
		for i, number := range numbers {
			equal(number, i, "the data at a revision")
		}
		equal(len(numbers), each, "events of a writer")
	}
	equal(must(client.ServerInfo(t.ctx)).Head, writers*each, "the head")
}
