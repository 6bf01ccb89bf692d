package main

// Aggregates under concurrent writers, and upcasters.

import (
	"errors"
	"fmt"
	"sync"

	quipu "quipu/client"
)

// account is a state that is easy to get wrong: the sum, and the order of what made it.
type account struct {
	Balance int      `json:"balance"`
	Lines   []string `json:"lines"`
}

type booked struct {
	Amount int    `json:"amount"`
	Before int    `json:"before"` // the balance that the decision was made on
	By     string `json:"by"`
}

func applyBooking(state account, event *quipu.RecordedEvent) (account, error) {
	var line booked
	if err := event.Decode(&line); err != nil {
		return state, err
	}
	if state.Balance != line.Before {
		return state, fmt.Errorf("decided on a balance of %d where it was %d", line.Before, state.Balance)
	}
	state.Balance += line.Amount
	state.Lines = append(state.Lines, fmt.Sprintf("%s %d", line.By, line.Amount))
	return state, nil
}

func aggregate(t *trial) {
	client := t.fresh()
	accounts := quipu.NewAggregate(client, quipu.AggregateOptions[account]{
		Apply: applyBooking, SnapshotEvery: 10, Tries: 1000,
	})
	const writers, each = 8, 15
	conflicts := newJournal[int]()
	var writing sync.WaitGroup
	failures := newJournal[error]()
	for writer := range writers {
		writing.Go(func() {
			for i := range each {
				done, err := accounts.Execute(t.ctx, "account-1", func(state account) ([]quipu.NewEvent, error) {
					line := booked{Amount: i + 1, Before: state.Balance, By: fmt.Sprintf("writer %d", writer)}
					return []quipu.NewEvent{{Type: "Booked", Data: line}}, nil
				})
				failures.add(err)
				conflicts.add(done.Tries - 1)
			}
		})
	}
	writing.Wait()
	ok(errors.Join(failures.read()...))
	accounts.Wait()
	lost := 0
	for _, count := range conflicts.read() {
		lost += count
	}
	check(lost > 0, "there was no conflict among eight writers")

	loaded := must(accounts.Load(t.ctx, "account-1"))
	rebuilt := must(accounts.Rebuild(t.ctx, "account-1"))
	equal(loaded.State, rebuilt.State, "the state with and without snapshots")
	equal(*loaded.Revision, writers*each-1, "the revision")
	equal(loaded.State.Balance, writers*each*(each+1)/2, "the balance")
	newest := must(client.Snapshots.Get(t.ctx, "account-1"))
	check(newest.Revision >= 9, "a snapshot was saved: %+v", newest)

	// What decides for nothing appends nothing; what fails is returned as it is.
	done := must(accounts.Execute(t.ctx, "account-1", func(account) ([]quipu.NewEvent, error) { return nil, nil }))
	check(done.Appended == nil, "nothing was appended")
	overdrawn := errors.New("overdrawn")
	_, err := accounts.Execute(t.ctx, "account-1", func(account) ([]quipu.NewEvent, error) { return nil, overdrawn })
	check(err == overdrawn, "the decision's error: %v", err)

	// A snapshot of another shape is passed over.
	next := quipu.NewAggregate(client, quipu.AggregateOptions[account]{Apply: applyBooking, SnapshotVersion: "2"})
	equal(must(next.Load(t.ctx, "account-1")).State, rebuilt.State, "the state in another shape")

	// Tries are bounded.
	bounded := quipu.NewAggregate(client, quipu.AggregateOptions[account]{Apply: applyBooking, Tries: 2})
	_, err = bounded.Execute(t.ctx, "account-1", func(state account) ([]quipu.NewEvent, error) {
		line := []quipu.NewEvent{{Type: "Booked", Data: booked{1, state.Balance, "somebody faster"}}}
		t.append(client, "account-1", line...)
		return line, nil
	})
	refused(quipu.WrongExpectedRevision, err)

	// A stream that is deleted and revived between loading and appending is loaded anew.
	isRevived := false
	executed := must(next.Execute(t.ctx, "account-1", func(state account) ([]quipu.NewEvent, error) {
		if !isRevived {
			isRevived = true
			must(client.Streams.Delete(t.ctx, "account-1", quipu.Any))
			t.append(client, "account-1", quipu.NewEvent{Type: "Booked", Data: booked{7, 0, "a new life"}})
		}
		return []quipu.NewEvent{{Type: "Booked", Data: booked{1, state.Balance, "after it"}}}, nil
	}))
	equal(executed.Tries, 2, "tries over a deletion")
	equal(must(next.Load(t.ctx, "account-1")).State.Balance, 8, "the balance of the new life")
	check(must(bounded.Load(t.ctx, "nobody")).Revision == nil, "a stream without events is in its initial state")
}

type nameV1 struct {
	Name string `json:"name"`
}

type nameV2 struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

type nameV3 struct {
	First string `json:"first"`
	Last  string `json:"last"`
	Title string `json:"title"`
}

func upcasters(t *trial) {
	server := t.server()
	plain := t.client(server, quipu.Options{})
	collection := quipu.NewUpcasters()
	ok(collection.Register("Named", "1", "2", quipu.UpcastJSON(func(old nameV1) (nameV2, error) {
		if old.Name == "" {
			return nameV2{}, errors.New("there is no name")
		}
		var next nameV2
		_, err := fmt.Sscanf(old.Name, "%s %s", &next.First, &next.Last)
		return next, err
	})))
	ok(collection.Register("Named", "2", "3", quipu.UpcastJSON(func(old nameV2) (nameV3, error) {
		return nameV3{old.First, old.Last, "Dr"}, nil
	})))
	var loop *quipu.UpcastLoopError
	err := collection.Register("Named", "3", "1", func(*quipu.RecordedEvent) error { return nil })
	check(errors.As(err, &loop), "a chain that comes back is refused: %v", err)
	client := t.client(server, quipu.Options{Upcasters: collection})

	for version, data := range map[string]any{
		"1": nameV1{"Ada Lovelace"}, "2.1": nameV2{"Ada", "Lovelace"}, "3": nameV3{"Ada", "Lovelace", "Dr"},
	} {
		t.append(plain, "person-1", quipu.NewEvent{Type: "Named", SchemaVersion: version, Data: data})
	}
	upcasted := must(client.ReadStream(t.ctx, "person-1", quipu.ReadStreamOptions{}).Collect())
	upcasted = append(upcasted, take(3, client.SubscribeAll(t.ctx, quipu.SubscribeAllOptions{}).Events())...)
	upcasted = append(upcasted, must(client.GetEventAt(t.ctx, 1)))
	for _, event := range upcasted {
		var name nameV3
		ok(event.Decode(&name))
		check(name == nameV3{"Ada", "Lovelace", "Dr"} && event.SchemaVersion == "3", "upcasted: %+v", event)
	}

	// One that fails says where, and nothing is passed over.
	failing := t.append(plain, "person-2", quipu.NewEvent{Type: "Named", SchemaVersion: "1", Data: nameV1{}})
	_, err = client.ReadStream(t.ctx, "person-2", quipu.ReadStreamOptions{}).Collect()
	var failed *quipu.UpcastFailedError
	check(errors.As(err, &failed) && failed.Type == "Named" && failed.Version == "1" &&
		failed.Position == failing.FirstPosition && failed.Cause.Error() == "there is no name", "it says where: %v", err)
	for _, err := range client.SubscribeStream(t.ctx, "person-2", quipu.SubscribeStreamOptions{}).Events() {
		check(errors.As(err, &failed), "a subscription ends with it: %v", err)
	}
	_, err = quipu.NewAggregate(client, quipu.AggregateOptions[account]{Apply: applyBooking}).Load(t.ctx, "person-2")
	check(errors.As(err, &failed), "an aggregate does not load over it: %v", err)
}
