package main

// Snapshots, the state that the server folds, checkpoints.

import (
	"fmt"
	"time"

	quipu "quipu/client"
)

func snapshots(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	t.append(client, "account-1", numbered("Paid", 1, 6)...)
	_, err := client.Snapshots.Get(t.ctx, "account-1")
	refused(quipu.SnapshotNotFound, err)
	save := func(revision uint64, sum int) error {
		_, err := client.Snapshots.Save(t.ctx, quipu.SnapshotToSave{
			Stream: "account-1", Revision: revision, Data: map[string]int{"sum": sum}, SchemaVersion: "3",
			Metadata: map[string]string{"by": "test"},
		})
		return err
	}
	ok(save(1, 3))
	ok(save(3, 10))
	refused(quipu.SnapshotAhead, save(6, 0))
	ok(server.KillAndRestart())
	newest := must(client.Snapshots.Get(t.ctx, "account-1"))
	var held map[string]int
	ok(newest.Decode(&held))
	check(newest.Revision == 3 && held["sum"] == 10 && newest.SchemaVersion == "3" && newest.Metadata["by"] == "test" &&
		!newest.SavedAt.IsZero(), "the newest: %+v", newest)
	equal(must(client.Snapshots.GetAtOrBefore(t.ctx, "account-1", 2)).Revision, 1, "the newest at or before 2")
	listed := must(client.Snapshots.List(t.ctx, "account-1"))
	check(len(listed) == 2 && listed[0].Revision == 3 && listed[1].Revision == 1 && listed[0].SizeBytes > 0,
		"the list: %+v", listed)

	reading := client.ReadStream(t.ctx, "account-1", quipu.ReadStreamOptions{WithSnapshot: true})
	begun := must(reading.Snapshot())
	check(begun != nil && begun.Revision == 3, "a read begins with the snapshot: %+v", begun)
	equal(len(must(reading.Collect())), 2, "events behind the snapshot")

	ok(client.Snapshots.Delete(t.ctx, "account-1", 3))
	equal(must(client.Snapshots.Get(t.ctx, "account-1")).Revision, 1, "the newest after a deletion")
	equal(must(client.Snapshots.DeleteAll(t.ctx, "account-1")), 1, "deleted")
	_, err = client.Snapshots.DeleteAll(t.ctx, "account-1")
	refused(quipu.SnapshotNotFound, err)
	reading = client.ReadStream(t.ctx, "account-1", quipu.ReadStreamOptions{WithSnapshot: true})
	check(must(reading.Snapshot()) == nil, "there is no snapshot any more")
	equal(len(must(reading.Collect())), 6, "all events without a snapshot")
}

func state(t *trial) {
	client := t.fresh()
	patch := func(data string) { t.append(client, "order-1", quipu.NewEvent{Type: "Changed", Data: []byte(data)}) }
	patch(`{"total": 1, "lines": {"a": 1}}`)
	patch(`{"lines": {"b": 2}}`)
	patch(`{"total": 3, "lines": {"a": null}}`)
	now := must(client.Snapshots.GetState(t.ctx, "order-1", quipu.StateOptions{}))
	equal(string(now.Data), `{"lines":{"b":2},"total":3}`, "the state now")
	check(now.Revision == 2 && now.Events == 3 && now.SnapshotRevision == nil, "how it came about: %+v", now)
	before := must(client.Snapshots.GetState(t.ctx, "order-1", quipu.StateOptions{AtRevision: new(uint64(1))}))
	equal(string(before.Data), `{"lines":{"a":1,"b":2},"total":1}`, "the state at revision 1")
	first := must(client.GetEventAt(t.ctx, 1))
	then := must(client.Snapshots.GetState(t.ctx, "order-1", quipu.StateOptions{AtTime: first.RecordedAt}))
	check(then.Events >= 1, "the state at a time: %+v", then)

	must(client.Snapshots.Save(t.ctx, quipu.SnapshotToSave{Stream: "order-1", Revision: 1, Data: before.Data}))
	from := must(client.Snapshots.GetState(t.ctx, "order-1", quipu.StateOptions{}))
	check(string(from.Data) == string(now.Data) && from.Events == 1 && *from.SnapshotRevision == 1,
		"the state from a snapshot: %+v", from)
	without := must(client.Snapshots.GetState(t.ctx, "order-1", quipu.StateOptions{WithoutSnapshot: true}))
	equal(string(without.Data), string(now.Data), "the state without a snapshot")

	_, err := client.Snapshots.GetState(t.ctx, "nobody", quipu.StateOptions{})
	refused(quipu.StreamNotFound, err)
	_, err = client.Snapshots.GetState(t.ctx, "order-1", quipu.StateOptions{AtRevision: new(uint64(9))})
	refused(quipu.BeyondEnd, err)
	t.append(client, "text-1", quipu.NewEvent{Type: "Said", Data: []byte("no JSON")})
	_, err = client.Snapshots.GetState(t.ctx, "text-1", quipu.StateOptions{})
	refused(quipu.NotFoldable, err)

	// The server saves by itself.
	ok(client.Snapshots.SetPolicy(t.ctx, quipu.SnapshotPolicy{Category: "cart", EveryEvents: 5}))
	ok(client.Snapshots.SetPolicy(t.ctx, quipu.SnapshotPolicy{Category: "basket", EveryEvents: 2}))
	equal(must(client.Snapshots.ListPolicies(t.ctx)),
		[]quipu.SnapshotPolicy{{Category: "basket", EveryEvents: 2}, {Category: "cart", EveryEvents: 5}}, "policies")
	for i := range 12 {
		t.append(client, "cart-1", quipu.NewEvent{Type: "Filled", Data: map[string]int{fmt.Sprintf("item%d", i): i}})
	}
	until(t, "a snapshot of the server",
		func() ([]quipu.SnapshotInfo, error) { return client.Snapshots.List(t.ctx, "cart-1") },
		func(listed []quipu.SnapshotInfo) bool { return len(listed) > 0 })
	with := must(client.Snapshots.GetState(t.ctx, "cart-1", quipu.StateOptions{}))
	plain := must(client.Snapshots.GetState(t.ctx, "cart-1", quipu.StateOptions{WithoutSnapshot: true}))
	check(with.SnapshotRevision != nil && string(with.Data) == string(plain.Data), "both states are the same")
	ok(client.Snapshots.DeletePolicy(t.ctx, "cart"))
	refused(quipu.PolicyNotFound, client.Snapshots.DeletePolicy(t.ctx, "cart"))
}

func checkpoints(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	t.append(client, "order-1", numbered("Placed", 0, 10)...)
	_, err := client.Checkpoints.Get(t.ctx, "mailer")
	refused(quipu.CheckpointNotFound, err)
	_, err = client.Checkpoints.Set(t.ctx, "mailer", 11, quipu.AnyCheckpoint())
	refused(quipu.BeyondEnd, err)
	_, err = client.Checkpoints.Set(t.ctx, "mailer", 5, quipu.CheckpointAt(3))
	refused(quipu.WrongCheckpoint, err)
	must(client.Checkpoints.Set(t.ctx, "mailer", 5, quipu.CheckpointAbsent()))
	_, err = client.Checkpoints.Set(t.ctx, "mailer", 6, quipu.CheckpointAbsent())
	refused(quipu.WrongCheckpoint, err)
	must(client.Checkpoints.Set(t.ctx, "mailer", 7, quipu.CheckpointAt(5)))
	ok(server.KillAndRestart())
	equal(must(client.Checkpoints.Get(t.ctx, "mailer")).Position, 7, "the checkpoint after a kill")

	waited := must(client.Checkpoints.Wait(t.ctx, "mailer", 7, 0))
	check(waited.Reached && *waited.Position == 7, "it is there already: %+v", waited)
	waited = must(client.Checkpoints.Wait(t.ctx, "mailer", 8, 50*time.Millisecond))
	check(!waited.Reached && *waited.Position == 7, "it does not get there: %+v", waited)
	waiting := background(func() error {
		waited, err := client.Checkpoints.Wait(t.ctx, "printer", 9, time.Minute)
		if err == nil && !waited.Reached {
			err = fmt.Errorf("not reached: %+v", waited)
		}
		return err
	})
	must(client.Checkpoints.Set(t.ctx, "printer", 10, quipu.AnyCheckpoint()))
	ok(waiting())

	for i := range 120 {
		must(client.Checkpoints.Set(t.ctx, fmt.Sprintf("many-%03d", i), 1, quipu.AnyCheckpoint()))
	}
	listed := all(client.Checkpoints.List(t.ctx, "many-"))
	check(len(listed) == 120 && listed[119].Name == "many-119", "the list goes over pages: %d", len(listed))
	ok(client.Checkpoints.Delete(t.ctx, "mailer"))
	refused(quipu.CheckpointNotFound, client.Checkpoints.Delete(t.ctx, "mailer"))
}
