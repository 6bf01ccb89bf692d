package quipu

// Following the log in batches: large ones while catching up, whatever there is once caught up.

import (
	"context"
	"time"
)

// advanceInterval is how often at most a place without events is handed on.
const advanceInterval = time.Second

// batches hands events on in batches.
type batches struct {
	client  *Client
	options SubscribeAllOptions
	size    int
	until   uint64 // stop behind this position; 0: never
	// take deals with events, perhaps none, after which everything up to position, inclusive, has been handed
	// on. True: stop.
	take func(events []*RecordedEvent, position uint64, isCaughtUp bool) (bool, error)

	pending  []*RecordedEvent
	position uint64
	isLive   bool
	takenAt  time.Time
}

// run follows until take says stop, the end is reached, or something fails.
func (b *batches) run(ctx context.Context) error {
	for batch, err := range b.client.SubscribeAll(ctx, b.options).batches() {
		if err != nil {
			return err
		}
		if stop, err := b.note(batch); stop || err != nil {
			return err
		}
	}
	return ended(ctx)
}

// note deals with one message.
func (b *batches) note(batch heard) (stop bool, err error) {
	for _, wire := range batch.events {
		if b.until > 0 && wire.GetPosition() > b.until {
			b.position = b.until
			_, err := b.flush(false)
			return true, err
		}
		event, err := b.client.read(wire)
		if err != nil {
			return false, err
		}
		b.pending, b.position = append(b.pending, event), event.Position
		if len(b.pending) >= b.size {
			if stop, err := b.flush(false); stop || err != nil {
				return stop, err
			}
		}
	}
	switch batch.signal {
	case CaughtUp:
		b.isLive = true
	case FellBehind, Reconnected:
		b.isLive = false
	}
	b.position = max(b.position, batch.position)
	isEnd := b.until > 0 && b.position >= b.until
	if isEnd {
		b.position = b.until
	}
	switch {
	case isEnd, batch.signal == CaughtUp, b.isLive && len(b.pending) > 0:
		stop, err = b.flush(batch.signal == CaughtUp)
	case len(b.pending) == 0 && time.Since(b.takenAt) >= advanceInterval:
		stop, err = b.flush(false)
	}
	return stop || isEnd, err
}

func (b *batches) flush(isCaughtUp bool) (bool, error) {
	events := b.pending
	b.pending, b.takenAt = nil, time.Now()
	return b.take(events, b.position, isCaughtUp)
}
