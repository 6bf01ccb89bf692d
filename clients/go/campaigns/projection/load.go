package main

// The load: appends that go side by side, each in streams of its own, no further than they are allowed to.

import (
	"context"
	"fmt"
	"sync"

	quipu "quipu/client"
)

const (
	writers         = 4
	streamsOfWriter = 5
	eventsOfAppend  = 10
)

var eventTypes = []string{"Opened", "Changed", "Moved", "Counted", "Checked", "Closed"}

// said is the payload of an event.
type said struct {
	Number int `json:"number"`
}

// load hands numbers out to its writers.
type load struct {
	client *quipu.Client
	events int

	mutex    sync.Mutex
	changed  chan struct{} // closed at the next change
	next     int           // the number of the event that comes next
	allowed  int           // only events before this one
	appended int
}

func newLoad(client *quipu.Client, events int) *load {
	return &load{client: client, events: events, changed: make(chan struct{})}
}

// append appends all events.
func (l *load) append(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for writer := range writers {
		running.Go(func() {
			if err := l.write(ctx, writer); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

func (l *load) write(ctx context.Context, writer int) error {
	for turn := 0; ; turn++ {
		first, count, err := l.take(ctx)
		if err != nil || count == 0 {
			return err
		}
		events := make([]quipu.NewEvent, count)
		for i := range events {
			events[i] = quipu.NewEvent{
				Type: eventTypes[(first+i)%len(eventTypes)], Data: said{first + i},
			}
		}
		stream := fmt.Sprintf("thing-%d-%d", writer, turn%streamsOfWriter)
		if _, err := l.client.Append(ctx, stream, quipu.Any, events); err != nil {
			return err
		}
		l.change(func() { l.appended += count })
	}
}

// take gives numbers to append, none when there are no more.
func (l *load) take(ctx context.Context) (first, count int, err error) {
	err = l.until(ctx, func() bool {
		count = min(eventsOfAppend, l.allowed-l.next)
		first = l.next
		l.next += count
		return count > 0 || l.next == l.events
	})
	return first, count, err
}

// allow has the writers go on up to a number.
func (l *load) allow(limit int) { l.change(func() { l.allowed = limit }) }

// await waits until so many events are in.
func (l *load) await(ctx context.Context, events int) error {
	return l.until(ctx, func() bool { return l.appended >= events })
}

// done is how many events are in, as far as anybody was told.
func (l *load) done() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.appended
}

func (l *load) change(change func()) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// until waits until something is so, asked under the lock.
func (l *load) until(ctx context.Context, isSo func() bool) error {
	for {
		l.mutex.Lock()
		so, changed := isSo(), l.changed
		l.mutex.Unlock()
		if so {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
