package main

// What scenarios are made of: servers, clients, checks. A check that fails ends its scenario.

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sync"

	quipu "quipu/client"
	"quipu/client/internal/testserver"
)

// trial is one run of a scenario.
type trial struct {
	ctx      context.Context
	cleanups []func()
}

type failure struct{ why string }

func (t *trial) cleanUp() {
	for _, clean := range slices.Backward(t.cleanups) {
		clean()
	}
}

// fail ends the scenario, and tells where.
func fail(format string, values ...any) {
	for skip := 1; ; skip++ {
		if _, file, line, ok := runtime.Caller(skip); !ok || filepath.Base(file) != "trial.go" {
			panic(failure{fmt.Sprintf(format, values...) + fmt.Sprintf(" (%s:%d)", filepath.Base(file), line)})
		}
	}
}

// check fails unless it holds.
func check(holds bool, format string, values ...any) {
	if !holds {
		fail(format, values...)
	}
}

// ok fails on an error.
func ok(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// refused fails unless it is refused for this reason.
func refused(reason quipu.Reason, err error) {
	if !errors.Is(err, reason) {
		fail("expected %s, got %v", reason, err)
	}
}

// equal fails unless both are the same.
func equal[T any](actual, expected T, what string) {
	if !reflect.DeepEqual(actual, expected) {
		fail("%s: expected %s, got %s", what, short(expected), short(actual))
	}
}

// short keeps a line readable.
func short(value any) string {
	const most = 300
	text := fmt.Sprintf("%v", value)
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// must gives the value, or fails.
func must[T any](value T, err error) T {
	ok(err)
	return value
}

// all gives what an iteration gives, or fails.
func all[T any](items iter.Seq2[T, error]) []T {
	var found []T
	for item, err := range items {
		ok(err)
		found = append(found, item)
	}
	return found
}

// take gives so many items of an iteration.
func take[T any](count int, items iter.Seq2[T, error]) []T {
	var found []T
	for item, err := range items {
		ok(err)
		if found = append(found, item); len(found) == count {
			break
		}
	}
	equal(len(found), count, "items of the iteration")
	return found
}

// server starts a server for this scenario.
func (t *trial) server() *testserver.Server {
	server, err := testserver.Start()
	ok(err)
	t.cleanups = append(t.cleanups, server.Close)
	return server
}

// client connects to a server.
func (t *trial) client(server *testserver.Server, options quipu.Options) *quipu.Client {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	client, err := quipu.Connect(t.ctx, server.Address(), options)
	ok(err)
	t.cleanups = append(t.cleanups, func() { _ = client.Close() })
	return client
}

// fresh is a client of a server of its own.
func (t *trial) fresh() *quipu.Client { return t.client(t.server(), quipu.Options{}) }

// numbered are events of a type with the data 0, 1, 2 and so on, from a number.
func numbered(eventType string, from, count int) []quipu.NewEvent {
	events := make([]quipu.NewEvent, count)
	for i := range events {
		events[i] = quipu.NewEvent{Type: eventType, Data: from + i}
	}
	return events
}

// number is the data of a numbered event.
func number(event *quipu.RecordedEvent) int {
	var number int
	ok(event.Decode(&number))
	return number
}

// numbers are the data of a stream's numbered events.
func (t *trial) numbers(client *quipu.Client, stream string) []int {
	var found []int
	for _, event := range must(client.ReadStream(t.ctx, stream, quipu.ReadStreamOptions{}).Collect()) {
		found = append(found, number(event))
	}
	return found
}

// append appends, whatever there is.
func (t *trial) append(client *quipu.Client, stream string, events ...quipu.NewEvent) quipu.Appended {
	return must(client.Append(t.ctx, stream, quipu.Any, events))
}

func positions(events []*quipu.RecordedEvent) []uint64 {
	found := make([]uint64, len(events))
	for i, event := range events {
		found[i] = event.Position
	}
	return found
}

// span is the numbers from first to last, both inclusive.
func span(first, last uint64) []uint64 {
	var numbers []uint64
	for number := first; number <= last; number++ {
		numbers = append(numbers, number)
	}
	return numbers
}

// journal collects what several goroutines tell, and lets one wait for it.
type journal[T any] struct {
	mutex   sync.Mutex
	entries []T
	changed chan struct{}
}

func newJournal[T any]() *journal[T] { return &journal[T]{changed: make(chan struct{})} }

func (j *journal[T]) add(entry T) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.entries = append(j.entries, entry)
	close(j.changed)
	j.changed = make(chan struct{})
}

func (j *journal[T]) read() []T {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return slices.Clone(j.entries)
}

// await waits until the entries are as wanted, and gives them.
func (j *journal[T]) await(t *trial, what string, isThere func([]T) bool) []T {
	for {
		j.mutex.Lock()
		entries, changed := slices.Clone(j.entries), j.changed
		j.mutex.Unlock()
		if isThere(entries) {
			return entries
		}
		select {
		case <-changed:
		case <-t.ctx.Done():
			fail("waited in vain for %s; there is %s", what, short(entries))
		}
	}
}

// until asks again and again until the answer is as wanted, or the scenario's time is up.
func until[T any](t *trial, what string, ask func() (T, error), isThere func(T) bool) T {
	for {
		answer, err := ask()
		ok(err)
		if isThere(answer) {
			return answer
		}
		if t.ctx.Err() != nil {
			fail("waited in vain for %s; it is %s", what, short(answer))
		}
	}
}

// background runs in a goroutine; the function that it gives waits and gives the error.
func background(run func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- run() }()
	return func() error { return <-done }
}
