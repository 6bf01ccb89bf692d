package main

// Consumer groups: order, parking, members, fetching, errors.

import (
	"errors"
	"fmt"
	"slices"
	"time"

	quipu "quipu/client"
)

// quick are settings for tests that do not want to wait.
func quick(settings quipu.GroupSettings) quipu.GroupSettings {
	settings.Backoff, settings.BackoffMax = time.Millisecond, 10*time.Millisecond
	return settings
}

func groupOrder(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	for i := range 5 {
		t.append(client, "order-1", numbered("Placed", i, 1)...)
		t.append(client, "order-2", numbered("Placed", i, 1)...)
	}
	must(client.Consumers.Create(t.ctx, "mailer", quick(quipu.GroupSettings{}), quipu.Start()))
	member := must(client.Consumers.Consume(t.ctx, "mailer", "one", 100))
	defer member.Leave()

	// One of each stream, side by side; the next of a stream when the one before is settled.
	inHand := map[string]*quipu.RecordedEvent{}
	next := map[string]int{}
	for settled := 0; settled < 6; {
		for len(inHand) < 2 {
			for _, delivery := range must(member.Receive()).Deliveries {
				stream := delivery.Event.Stream
				check(inHand[stream] == nil, "a second event of %s before the first is settled", stream)
				equal(number(delivery.Event), next[stream], "the order in "+stream)
				inHand[stream] = delivery.Event
			}
		}
		for stream, event := range inHand {
			ok(member.Settle([]uint64{event.Position}))
			awaitSettled(member, event.Position, func(delivery quipu.Delivery) {
				equal(number(delivery.Event), next[stream]+1, "the order in "+stream)
				next[stream]++
				inHand[stream] = delivery.Event
				settled++
			})
		}
	}

	// What is acknowledged is so after a kill: no event comes again that was settled.
	ok(server.KillAndRestart())
	first := map[string]int{}
	rejoined := must(client.Consumers.Consume(t.ctx, "mailer", "two", 100))
	defer rejoined.Leave()
	for len(first) < 2 {
		for _, delivery := range must(rejoined.Receive()).Deliveries {
			first[delivery.Event.Stream] = number(delivery.Event)
		}
	}
	equal(first, next, "where each stream goes on after a kill")
}

// awaitSettled receives until this position is settled and the next event of its stream has come.
func awaitSettled(member *quipu.Membership, position uint64, take func(quipu.Delivery)) {
	isSettled, isTaken := false, false
	for !isSettled || !isTaken {
		received := must(member.Receive())
		equal(len(received.NotSettled), 0, "what was not settled")
		isSettled = isSettled || slices.Contains(received.Settled, position)
		for _, delivery := range received.Deliveries {
			isTaken = true
			take(delivery)
		}
	}
}

func groupPark(t *trial) {
	client := t.fresh()
	t.append(client, "order-1", numbered("Placed", 0, 3)...)
	t.append(client, "order-2", numbered("Placed", 10, 3)...)
	must(client.Consumers.Create(t.ctx, "mailer", quick(quipu.GroupSettings{MaxTries: 3}), quipu.Start()))
	member := must(client.Consumers.Consume(t.ctx, "mailer", "one", 10))
	defer member.Leave()
	handled, tries := []int{}, []uint32{}
	isFixed := false
	handle := func(received quipu.Received) {
		for _, delivery := range received.Deliveries {
			if number(delivery.Event) == 1 && !isFixed {
				tries = append(tries, delivery.Try)
				ok(member.Settle(nil, quipu.Nack{Position: delivery.Event.Position, Reason: "the printer is on fire"}))
				continue
			}
			handled = append(handled, number(delivery.Event))
			ok(member.Settle([]uint64{delivery.Event.Position}))
		}
	}
	settled := 0
	for settled < 8 { // five acks and three nacks
		received := must(member.Receive())
		settled += len(received.Settled)
		handle(received)
	}
	equal(tries, []uint32{1, 2, 3}, "tries of the event that fails")
	equal(slices.DeleteFunc(slices.Clone(handled), func(it int) bool { return it >= 10 }), []int{0, 2}, "order-1")
	equal(slices.DeleteFunc(slices.Clone(handled), func(it int) bool { return it < 10 }), []int{10, 11, 12}, "order-2")

	parked := all(client.Consumers.ListParked(t.ctx, "mailer"))
	check(len(parked) == 1 && number(parked[0].Event) == 1 && parked[0].Reason == "the printer is on fire" &&
		parked[0].Tries == 3 && !parked[0].ParkedAt.IsZero(), "what was parked: %+v", parked)
	equal(must(client.Consumers.Get(t.ctx, "mailer")).Parked, 1, "how many were parked")

	isFixed, handled = true, nil
	equal(must(client.Consumers.ReplayParked(t.ctx, "mailer", parked[0].Event.Position)), 1, "replayed")
	for settled = 0; settled < 1; {
		received := must(member.Receive())
		settled += len(received.Settled)
		handle(received)
	}
	equal(handled, []int{1}, "what the replay delivered")
	equal(len(all(client.Consumers.ListParked(t.ctx, "mailer"))), 0, "what is parked after the replay")

	t.append(client, "order-3", numbered("Placed", 30, 1)...)
	for settled = 0; settled < 1; {
		received := must(member.Receive())
		settled += len(received.Settled)
		for _, delivery := range received.Deliveries {
			position := delivery.Event.Position
			ok(member.Settle(nil, quipu.Nack{Position: position, Action: quipu.NackPark, Reason: "no"}))
		}
	}
	equal(must(client.Consumers.DiscardParked(t.ctx, "mailer")), 1, "discarded")
}

func groupMembers(t *trial) {
	client := t.fresh()
	must(client.Consumers.Create(t.ctx, "mailer", quick(quipu.GroupSettings{}), quipu.Start()))
	one := must(client.Consumers.Consume(t.ctx, "mailer", "one", 4))
	two := must(client.Consumers.Consume(t.ctx, "mailer", "two", 4))
	defer two.Leave()
	until(t, "two members", func() (quipu.ConsumerGroup, error) { return client.Consumers.Get(t.ctx, "mailer") },
		func(group quipu.ConsumerGroup) bool { return len(group.Members) == 2 })
	taken := must(client.Consumers.Consume(t.ctx, "mailer", "two", 1))
	_, err := taken.Receive()
	refused(quipu.MemberExists, err)
	taken.Leave()

	for i := range 8 {
		t.append(client, fmt.Sprintf("order-%d", i), numbered("Placed", i, 1)...)
	}
	shares := map[*quipu.Membership][]uint64{}
	for _, member := range []*quipu.Membership{one, two} {
		for len(shares[member]) < 4 {
			for _, delivery := range must(member.Receive()).Deliveries {
				shares[member] = append(shares[member], delivery.Event.Position)
			}
		}
	}
	together := append(slices.Clone(shares[one]), shares[two]...)
	slices.Sort(together)
	equal(together, span(1, 8), "what both have together")

	// One goes away with what it has: the other gets it.
	one.Leave()
	ok(two.Settle(shares[two]))
	var again []uint64
	settled := 0
	for len(again) < 4 || settled < 8 {
		received := must(two.Receive())
		settled += len(received.Settled)
		for _, delivery := range received.Deliveries {
			again = append(again, delivery.Event.Position)
			ok(two.Settle([]uint64{delivery.Event.Position}))
		}
	}
	slices.Sort(again)
	slices.Sort(shares[one])
	equal(again, shares[one], "what was delivered again")
	group := until(t, "all settled",
		func() (quipu.ConsumerGroup, error) { return client.Consumers.Get(t.ctx, "mailer") },
		func(group quipu.ConsumerGroup) bool { return group.SettledPosition == 8 && len(group.Members) == 1 })
	equal(group.Counts.Acknowledged, 8, "acknowledged")
}

func groupFetch(t *trial) {
	client := t.fresh()
	must(client.Consumers.Create(t.ctx, "mailer", quick(quipu.GroupSettings{}), quipu.Start()))
	equal(len(must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{Wait: -1}))), 0, "nothing yet")
	waiting := newJournal[[]quipu.Delivery]()
	wait := background(func() error {
		deliveries, err := client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{Wait: time.Minute})
		waiting.add(deliveries)
		return err
	})
	t.append(client, "order-1", numbered("Placed", 0, 1)...)
	ok(wait())
	first := waiting.read()[0]
	check(len(first) == 1 && first[0].Try == 1, "the first delivery: %+v", first)
	settlement := must(client.Consumers.Ack(t.ctx, "mailer", "one", []uint64{1}))
	equal(settlement.Settled, []uint64{1}, "settled")

	t.append(client, "order-2", numbered("Placed", 0, 1)...)
	t.append(client, "order-3", numbered("Placed", 0, 1)...)
	equal(len(must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{Max: 1}))), 1, "at most one")
	second := must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{}))
	equal(len(second), 1, "the other one")
	position := second[0].Event.Position
	settlement = must(client.Consumers.Ack(t.ctx, "mailer", "one", nil, quipu.Nack{Position: position, Reason: "later"}))
	equal(settlement.Settled, []uint64{position}, "a nack is settled")
	again := must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{}))
	check(len(again) == 1 && again[0].Event.Position == position && again[0].Try == 2, "the second try: %+v", again)

	// Other calls of a group's life.
	ok(client.Consumers.Pause(t.ctx, "mailer"))
	check(must(client.Consumers.Get(t.ctx, "mailer")).IsPaused, "it is paused")
	t.append(client, "order-4", numbered("Placed", 0, 1)...)
	equal(len(must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{Wait: -1}))), 0, "while paused")
	ok(client.Consumers.Resume(t.ctx, "mailer"))
	equal(len(must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{}))), 1, "after resuming")
	updated := must(client.Consumers.Update(t.ctx, "mailer", quipu.GroupSettings{MaxTries: 7, AckTimeout: time.Minute}))
	check(updated.Settings.MaxTries == 7 && updated.Settings.AckTimeout == time.Minute, "updated: %+v", updated)
	equal(must(client.Consumers.Reset(t.ctx, "mailer", quipu.AfterPosition(3))), 3, "reset behind 3")
	afresh := must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{}))
	check(len(afresh) == 1 && afresh[0].Event.Position == 4 && afresh[0].Try == 1, "after the reset: %+v", afresh)
	equal(len(all(client.Consumers.List(t.ctx, "mail"))), 1, "groups")
}

func groupErrors(t *trial) {
	client := t.fresh()
	t.append(client, "order-1", numbered("Placed", 0, 2)...)
	_, err := client.Consumers.Get(t.ctx, "nobody")
	refused(quipu.GroupNotFound, err)
	unknown := must(client.Consumers.Consume(t.ctx, "nobody", "one", 1))
	_, err = unknown.Receive()
	refused(quipu.GroupNotFound, err)
	unknown.Leave()
	_, err = client.Consumers.Fetch(t.ctx, "nobody", "one", quipu.FetchOptions{})
	refused(quipu.GroupNotFound, err)
	_, err = client.Consumers.Ack(t.ctx, "nobody", "one", []uint64{1})
	refused(quipu.GroupNotFound, err)
	refused(quipu.GroupNotFound, client.Consumers.Delete(t.ctx, "nobody"))

	bad := quipu.GroupSettings{Query: quipu.Match(quipu.QueryItem{})}
	_, err = client.Consumers.Create(t.ctx, "mailer", bad, quipu.Start())
	refused(quipu.InvalidArgument, err)
	_, err = client.Consumers.Create(t.ctx, "$mailer", quipu.GroupSettings{}, quipu.Start())
	refused(quipu.InvalidArgument, err)
	_, err = client.Consumers.Create(t.ctx, "mailer", quipu.GroupSettings{}, quipu.AfterPosition(99))
	refused(quipu.BeyondEnd, err)
	must(client.Consumers.Create(t.ctx, "mailer", quipu.GroupSettings{}, quipu.Start()))
	must(client.Consumers.Create(t.ctx, "mailer", quipu.GroupSettings{}, quipu.Start()))
	_, err = client.Consumers.Create(t.ctx, "mailer", quipu.GroupSettings{MaxTries: 3}, quipu.Start())
	refused(quipu.GroupExists, err)

	settlement := must(client.Consumers.Ack(t.ctx, "mailer", "one", []uint64{2}))
	equal(settlement.NotSettled, []quipu.NotSettled{{Position: 2, Reason: quipu.NotDelivered}}, "never delivered")
	must(client.Consumers.Fetch(t.ctx, "mailer", "one", quipu.FetchOptions{Max: 1}))
	must(client.Consumers.Ack(t.ctx, "mailer", "one", []uint64{1}))
	settlement = must(client.Consumers.Ack(t.ctx, "mailer", "one", []uint64{1}))
	equal(settlement.NotSettled, []quipu.NotSettled{{Position: 1, Reason: quipu.AlreadySettled}}, "acknowledged twice")
	_, err = client.Consumers.ReplayParked(t.ctx, "mailer", 1)
	refused(quipu.NotParked, err)
	_, err = client.Consumers.DiscardParked(t.ctx, "mailer", 1)
	refused(quipu.NotParked, err)

	// A group that is deleted ends its members' calls.
	member := must(client.Consumers.Consume(t.ctx, "mailer", "two", 1))
	defer member.Leave()
	until(t, "the member", func() (quipu.ConsumerGroup, error) { return client.Consumers.Get(t.ctx, "mailer") },
		func(group quipu.ConsumerGroup) bool {
			return slices.ContainsFunc(group.Members, func(it quipu.GroupMember) bool { return it.Name == "two" })
		})
	ok(client.Consumers.Delete(t.ctx, "mailer"))
	for err = nil; err == nil; {
		_, err = member.Receive()
	}
	refused(quipu.GroupNotFound, err)
	check(!errors.Is(err, quipu.MemberExists), "and for no other reason")
}
