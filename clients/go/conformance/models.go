package main

// Read models, projectors, replays.

import (
	"context"
	"errors"
	"fmt"
	"time"

	quipu "quipu/client"
)

func readModels(t *trial) {
	client := t.fresh()
	t.append(client, "order-1", numbered("Placed", 0, 10)...)
	_, err := client.ReadModels.Describe(t.ctx, "customers")
	refused(quipu.ReadModelNotFound, err)
	write := func(expected, position uint64, upserts []quipu.DocumentToWrite, deletes ...quipu.DocumentKey) error {
		_, err := client.ReadModels.Write(t.ctx, quipu.ReadModelWrite{
			Model: "customers", ExpectedPosition: expected, Position: position, Upserts: upserts, Deletes: deletes,
		})
		return err
	}
	ada := quipu.DocumentToWrite{Type: "customer", ID: "ada", Data: map[string]int{"orders": 1}}
	ben := quipu.DocumentToWrite{Type: "customer", ID: "ben", Data: []byte("raw"), ContentType: "text/plain"}
	ok(write(0, 3, []quipu.DocumentToWrite{ada, ben}))
	refused(quipu.WrongReadModelPosition, write(0, 4, nil))
	check(quipu.IsConflict(write(2, 4, nil)), "a wrong position is a conflict")
	document := must(client.ReadModels.Get(t.ctx, "customers", "customer", "ada"))
	var held map[string]int
	ok(document.Decode(&held))
	check(held["orders"] == 1 && document.Position == 3 && !document.UpdatedAt.IsZero(), "a document: %+v", document)
	equal(must(client.ReadModels.Get(t.ctx, "customers", "customer", "ben")).ContentType, "text/plain", "its type")
	_, err = client.ReadModels.Get(t.ctx, "customers", "customer", "nobody")
	refused(quipu.ReadModelNotFound, err)

	many := make([]quipu.DocumentToWrite, 250)
	for i := range many {
		many[i] = quipu.DocumentToWrite{Type: "line", ID: fmt.Sprintf("l-%03d", i), Data: i}
	}
	ok(write(3, 5, many, quipu.DocumentKey{Type: "customer", ID: "ben"}, quipu.DocumentKey{Type: "x", ID: "y"}))
	listed := all(client.ReadModels.List(t.ctx, "customers", quipu.DocumentQuery{Type: "line"}))
	check(len(listed) == 250 && listed[249].ID == "l-249", "the list goes over pages: %d", len(listed))
	equal(len(all(client.ReadModels.List(t.ctx, "customers", quipu.DocumentQuery{Type: "line", IDPrefix: "l-1"}))), 100,
		"by prefix")
	equal(len(all(client.ReadModels.List(t.ctx, "customers",
		quipu.DocumentQuery{Type: "line", Offset: 240, PageSize: 3}))), 10, "behind an offset")
	equal(len(all(client.ReadModels.List(t.ctx, "customers", quipu.DocumentQuery{}))), 251, "of all types")

	generation := must(client.ReadModels.Begin(t.ctx, "customers"))
	must(client.ReadModels.Write(t.ctx, quipu.ReadModelWrite{
		Model: "customers", Generation: generation, Position: 7, Upserts: []quipu.DocumentToWrite{ben},
	}))
	must(client.ReadModels.Get(t.ctx, "customers", "customer", "ada"))
	must(client.ReadModels.GetIn(t.ctx, "customers", generation, "customer", "ben"))
	described := must(client.ReadModels.Describe(t.ctx, "customers"))
	check(len(described) == 2 && described[0].IsActive && described[0].Position == 5 && described[1].Position == 7,
		"the generations: %+v", described)
	refused(quipu.WrongReadModelPosition, client.ReadModels.Switch(t.ctx, "customers", generation, new(uint64(6))))
	ok(client.ReadModels.Switch(t.ctx, "customers", generation, new(uint64(7))))
	ok(client.ReadModels.Switch(t.ctx, "customers", generation, nil))
	_, err = client.ReadModels.Get(t.ctx, "customers", "customer", "ada")
	refused(quipu.ReadModelNotFound, err)
	equal(len(must(client.ReadModels.Describe(t.ctx, "customers"))), 1, "generations after the switch")
	equal(all(client.ReadModels.ListModels(t.ctx, "cust")), []string{"customers"}, "read models")
	ok(client.ReadModels.Delete(t.ctx, "customers"))
	refused(quipu.ReadModelNotFound, client.ReadModels.Delete(t.ctx, "customers"))
}

type tally struct {
	Orders int `json:"orders"`
	Total  int `json:"total"`
}

// projecting counts orders by customer; with a factor, in another way.
func projecting(client *quipu.Client, factor int) *quipu.Projector {
	projector := quipu.NewProjector(client, "customers", quipu.ProjectorOptions{
		Query: quipu.OfTypes("Placed", "Forgotten"), BatchSize: 37,
	})
	projector.On("Placed", func(ctx context.Context, event *quipu.RecordedEvent, tx *quipu.Tx) error {
		var amount int
		if err := event.Decode(&amount); err != nil {
			return err
		}
		var customer tally
		if _, err := tx.Get(ctx, "customer", event.Tags[0], &customer); err != nil {
			return err
		}
		customer.Orders++
		customer.Total += factor * amount
		return tx.Upsert("customer", event.Tags[0], customer)
	})
	projector.On("Forgotten", func(_ context.Context, event *quipu.RecordedEvent, tx *quipu.Tx) error {
		tx.Delete("customer", event.Tags[0])
		return nil
	})
	return projector
}

func projector(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	const count = 1000
	expected := map[string]tally{}
	placed := func(i int) quipu.NewEvent {
		name := fmt.Sprintf("customer:%d", i%7)
		sum := expected[name]
		expected[name] = tally{sum.Orders + 1, sum.Total + i}
		return quipu.NewEvent{Type: "Placed", Data: i, Tags: []string{name}}
	}
	for from := 0; from < count-100; from += 20 {
		events := make([]quipu.NewEvent, 20)
		for i := range events {
			events[i] = placed(from + i)
		}
		t.append(client, "order-1", events...)
	}
	position := func() (uint64, error) {
		generations, err := client.ReadModels.Describe(t.ctx, "customers")
		if errors.Is(err, quipu.ReadModelNotFound) || len(generations) == 0 {
			return 0, nil
		}
		return generations[len(generations)-1].Position, err
	}
	// The projector ends in the middle, over and over, as a killed process would; the server is killed, too.
	for round := range 4 {
		ctx, cancel := context.WithCancel(t.ctx)
		wait := background(func() error { return projecting(client, 1).Run(ctx) })
		goal := uint64(round+1) * 200
		until(t, "a part of the projection", position, func(it uint64) bool { return it >= goal })
		if round%2 == 1 {
			ok(server.KillAndRestart())
		}
		cancel()
		ok(wait())
	}
	ctx, cancel := context.WithCancel(t.ctx)
	// Two at the same time: they get in each other's way, and nothing is counted twice.
	first := background(func() error { return projecting(client, 1).Run(ctx) })
	second := background(func() error { return projecting(client, 1).Run(ctx) })
	for i := count - 100; i < count; i++ {
		t.append(client, "order-2", placed(i))
	}
	t.append(client, "other-1", numbered("Other", 0, 1)...)
	until(t, "the whole projection", position, func(it uint64) bool { return it >= count })
	compare(t, client, expected, 1)
	cancel()
	ok(first())
	ok(second())

	// A rebuild while readers see what was.
	t.append(client, "order-3", quipu.NewEvent{Type: "Forgotten", Tags: []string{"customer:3"}})
	delete(expected, "customer:3")
	generation := must(projecting(client, 10).Rebuild(t.ctx))
	described := must(client.ReadModels.Describe(t.ctx, "customers"))
	check(len(described) == 1 && described[0].Number == generation && described[0].IsActive, "switched: %+v", described)
	compare(t, client, expected, 10)
	equal(must(projecting(client, 10).CatchUp(t.ctx)), count+2, "the position after catching up")

	// A projection that fails ends it, and says where.
	failing := quipu.NewProjector(client, "failing", quipu.ProjectorOptions{})
	failing.On("Forgotten", func(context.Context, *quipu.RecordedEvent, *quipu.Tx) error { return errors.New("no") })
	var failed *quipu.HandlerError
	err := failing.Run(t.ctx)
	check(errors.As(err, &failed) && failed.Type == "Forgotten" && failed.Position == count+2, "it says where: %v", err)
}

func compare(t *trial, client *quipu.Client, expected map[string]tally, factor int) {
	found := map[string]tally{}
	for _, document := range all(client.ReadModels.List(t.ctx, "customers", quipu.DocumentQuery{Type: "customer"})) {
		var customer tally
		ok(document.Decode(&customer))
		found[document.ID] = customer
	}
	wanted := map[string]tally{}
	for name, sum := range expected {
		wanted[name] = tally{sum.Orders, sum.Total * factor}
	}
	equal(found, wanted, "the read model")
}

func replay(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	for i := range 10 {
		t.append(client, "order-1", numbered("Placed", i*10, 10)...)
	}
	t.append(client, "other-1", numbered("Other", 0, 1)...)
	options := quipu.ReplayOptions{Query: quipu.OfTypes("Placed"), BatchSize: 15}
	var seen []int
	broken := errors.New("killed")
	note := func(fails bool) func(context.Context, []*quipu.RecordedEvent) error {
		return func(_ context.Context, batch []*quipu.RecordedEvent) error {
			check(len(batch) <= options.BatchSize, "a batch of %d", len(batch))
			if fails && len(seen) >= 30 {
				return broken
			}
			for _, event := range batch {
				seen = append(seen, number(event))
			}
			return nil
		}
	}
	done, err := client.Replay(t.ctx, "letters", options, note(true))
	check(errors.Is(err, broken) && done.Events == 30 && done.Batches == 2 && done.Position == 30, "stopped: %+v", done)
	ok(server.KillAndRestart())
	done = must(client.Replay(t.ctx, "letters", options, note(false)))
	check(done.Events == 70 && done.Position == 101, "went on: %+v", done)
	for i, number := range seen {
		equal(number, i, "the order over both runs")
	}
	equal(len(seen), 100, "events over both runs")
	done = must(client.Replay(t.ctx, "letters", options, note(false)))
	check(done.Events == 0 && done.Position == 101, "nothing is left: %+v", done)
	equal(must(client.Checkpoints.Get(t.ctx, "letters")).Position, 101, "the checkpoint")

	// From a place, and on with what comes.
	ctx, cancel := context.WithTimeout(t.ctx, time.Minute)
	defer cancel()
	options = quipu.ReplayOptions{From: quipu.FromPosition(100), BatchSize: 3, Follow: true}
	var followed []uint64
	_, err = client.Replay(ctx, "follower", options, func(_ context.Context, batch []*quipu.RecordedEvent) error {
		followed = append(followed, positions(batch)...)
		if len(followed) == 2 {
			t.append(client, "order-2", numbered("Placed", 0, 5)...)
		}
		if len(followed) >= 7 {
			cancel()
		}
		return nil
	})
	check(errors.Is(err, context.Canceled), "it ends with its context: %v", err)
	equal(followed, span(100, 106), "what was followed")
}
