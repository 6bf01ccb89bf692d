package main

// Reactors: handlers, tries, parking, skipping, metrics, stopping, over a kill.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	quipu "quipu/client"
)

func reactor(t *trial) {
	server := t.server()
	client := t.client(server, quipu.Options{})
	settings := quick(quipu.GroupSettings{MaxTries: 4})
	mailer := quipu.NewReactor(client, "mailer", quipu.ReactorOptions{Member: "one", Concurrency: 4, Settings: settings})
	calls := newJournal[string]()
	note := func(handler string, event *quipu.RecordedEvent) {
		calls.add(fmt.Sprintf("%s %s", handler, event.Data))
	}
	failures := 2
	mailer.On("Placed", func(_ context.Context, event *quipu.RecordedEvent) error {
		note("print", event)
		return nil
	})
	mailer.On("Placed", func(_ context.Context, event *quipu.RecordedEvent) error {
		note("mail", event)
		if number(event) == 1 && failures > 0 {
			failures--
			return errors.New("the mail server is away")
		}
		return nil
	})
	mailer.On("Poison", func(context.Context, *quipu.RecordedEvent) error { return quipu.Park("not edible") })
	mailer.On("Boring", func(context.Context, *quipu.RecordedEvent) error { return quipu.Skip("nothing new") })
	mailer.On("Broken", func(context.Context, *quipu.RecordedEvent) error { panic("it broke") })
	mailer.OnVersion("Versioned", "2", func(_ context.Context, event *quipu.RecordedEvent) error {
		note("v2", event)
		return nil
	})
	mailer.On("Versioned", func(_ context.Context, event *quipu.RecordedEvent) error {
		note("any", event)
		return nil
	})
	running := background(func() error { return mailer.Run(t.ctx) })

	t.append(client, "order-1", numbered("Placed", 0, 3)...)
	t.append(client, "odd-1", numbered("Poison", 10, 1)...)
	t.append(client, "odd-2", numbered("Boring", 11, 1)...)
	t.append(client, "odd-3", numbered("Broken", 12, 1)...)
	t.append(client, "odd-4", numbered("Unknown", 13, 1)...)
	t.append(client, "odd-5", quipu.NewEvent{Type: "Versioned", SchemaVersion: "2.1", Data: 14})
	t.append(client, "odd-6", quipu.NewEvent{Type: "Versioned", SchemaVersion: "7", Data: 15})
	settled := func(position uint64) {
		until(t, fmt.Sprintf("everything up to %d settled", position),
			func() (quipu.ConsumerGroup, error) { return client.Consumers.Get(t.ctx, "mailer") },
			func(group quipu.ConsumerGroup) bool { return group.SettledPosition >= position })
	}
	until(t, "the group", func() (bool, error) {
		_, err := client.Consumers.Get(t.ctx, "mailer")
		if errors.Is(err, quipu.GroupNotFound) {
			return false, nil
		}
		return err == nil, err
	}, func(there bool) bool { return there })
	settled(9)

	// Only what failed is called again.
	counts := map[string]int{}
	for _, call := range calls.read() {
		counts[call]++
	}
	equal(counts, map[string]int{
		"print 0": 1, "print 1": 1, "print 2": 1, "mail 0": 1, "mail 1": 3, "mail 2": 1, "v2 14": 1, "any 15": 1,
	}, "calls of handlers")
	parked := map[int]string{}
	for _, event := range all(client.Consumers.ListParked(t.ctx, "mailer")) {
		parked[number(event.Event)] = event.Reason
	}
	check(len(parked) == 2 && parked[10] == "not edible" && strings.Contains(parked[12], "it broke"),
		"what was parked: %v", parked)
	metrics := mailer.Metrics()
	check(metrics.Handled == 5 && metrics.Failed == 6 && metrics.Parked == 2 && metrics.Skipped == 1 &&
		metrics.Unhandled == 1 && metrics.InFlight == 0, "metrics: %+v", metrics)
	times := metrics.HandlerTime["Placed"]
	check(times.Count == 8 && times.Sum > 0 && times.Max > 0 && times.Max <= times.Sum, "times: %+v", times)

	// Over a kill: each event's handlers succeed once in this process, and everything gets settled.
	for i := range 20 {
		t.append(client, fmt.Sprintf("more-%d", i%3), numbered("Placed", 100+i, 1)...)
	}
	calls.await(t, "some more calls", func(it []string) bool { return len(it) >= 20 })
	ok(server.KillAndRestart())
	t.append(client, "more-1", numbered("Placed", 120, 1)...)
	settled(30)
	counts = map[string]int{}
	for _, call := range calls.read() {
		counts[call]++
	}
	for i := 100; i <= 120; i++ {
		equal(counts[fmt.Sprintf("mail %d", i)], 1, fmt.Sprintf("mails of %d", i))
	}

	// A name that is taken is refused.
	other := quipu.NewReactor(client, "mailer", quipu.ReactorOptions{Member: "one"})
	refused(quipu.MemberExists, other.Run(t.ctx))

	gracefulStop(t, client, mailer, running)
}

// gracefulStop stops a reactor while a handler is busy: it is waited for, and its event settled.
func gracefulStop(t *trial, client *quipu.Client, before *quipu.Reactor, running func() error) {
	before.Stop()
	ok(running())
	slow := quipu.NewReactor(client, "slow", quipu.ReactorOptions{Start: quipu.End(), Concurrency: 1})
	begun, finish := make(chan struct{}), make(chan struct{})
	handled := newJournal[string]()
	slow.On("Slow", func(ctx context.Context, event *quipu.RecordedEvent) error {
		close(begun)
		<-finish
		handled.add(string(event.Data))
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.ctx)
	running = background(func() error { return slow.Run(ctx) })
	until(t, "the member", func() (bool, error) {
		group, err := client.Consumers.Get(t.ctx, "slow")
		if errors.Is(err, quipu.GroupNotFound) {
			return false, nil
		}
		return len(group.Members) == 1, err
	}, func(there bool) bool { return there })
	last := t.append(client, "slow-1", numbered("Slow", 1, 2)...)
	<-begun
	cancel()
	close(finish)
	ok(running())
	equal(handled.read(), []string{"1"}, "what was in hand was finished, and nothing else begun")
	group := must(client.Consumers.Get(t.ctx, "slow"))
	equal(group.SettledPosition, last.FirstPosition, "what was in hand was settled")
}
