package main

// The log that is replayed: several types, many streams, with business times that have nothing to do with the order.

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	quipu "quipu/client"
)

const (
	writers        = 8
	streams        = 100
	eventsOfAppend = 200
)

var eventTypes = []string{"Ordered", "Paid", "Sent", "Returned"}

// fill appends the events, and notes in which order the store has them.
func (t *trial) fill(ctx context.Context, events int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int)
	var running sync.WaitGroup
	for range writers {
		running.Go(func() {
			for first := range work {
				count := min(eventsOfAppend, events-first)
				if err := t.appendFrom(ctx, first, count); err != nil {
					cancel(err)
				}
			}
		})
	}
	for first := 0; first < events && ctx.Err() == nil; first += eventsOfAppend {
		work <- first
	}
	close(work)
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	for event, err := range t.client.ReadAll(ctx, quipu.ReadAllOptions{}).Events() {
		if err != nil {
			return err
		}
		t.log = append(t.log, entry{event.Type, event.RecordedAt})
	}
	if len(t.log) != events {
		return fmt.Errorf("the log has %d events, not %d", len(t.log), events)
	}
	return nil
}

func (t *trial) appendFrom(ctx context.Context, first, count int) error {
	batch := make([]quipu.NewEvent, count)
	for i := range batch {
		number := first + i
		batch[i] = quipu.NewEvent{
			Type: eventTypes[number*7/3%len(eventTypes)], Data: map[string]int{"number": number},
			OccurredAt: time.Unix(int64(number*7919%100_000_000), 0),
		}
	}
	stream := fmt.Sprintf("order-%d", first/eventsOfAppend%streams)
	_, err := t.client.Append(ctx, stream, quipu.Any, batch)
	return err
}

// positions are those of the events that a selection means, ascending.
func (t *trial) positions(part selection) []uint64 {
	var found []uint64
	for i, entry := range t.log {
		if slices.Contains(part.types, entry.eventType) && !entry.recordedAt.Before(part.from) {
			found = append(found, uint64(i+1))
		}
	}
	return found
}
