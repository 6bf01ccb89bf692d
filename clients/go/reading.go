package quipu

// A read in progress: begun when it is first asked for something, gone on with after a break of the connection
// behind what it has delivered.

import (
	"context"
	"errors"
	"io"
	"iter"

	"quipu/client/quipupb"
)

// Reading is a read of a stream or of the log. It is read once, by one goroutine.
type Reading struct {
	ctx       context.Context
	cancel    context.CancelFunc
	client    *Client
	open      func(context.Context, resumption) (func() (part, error), error)
	place     func(*quipupb.RecordedEvent) uint64
	backwards bool
	limit     uint64

	receive  func() (part, error) // nil: no call is open
	failures int
	first    *part // received by Snapshot and not handed out yet
	begun    bool
	snapshot *quipupb.Snapshot
	head     *uint64

	delivered uint64
	last      *uint64 // the place of the event delivered last
}

// part is what one message of a read brings.
type part struct {
	events   []*quipupb.RecordedEvent
	snapshot *quipupb.Snapshot
	head     *uint64
}

// resumption is how a call of a read begins: as asked for, or at a place behind what was delivered.
type resumption struct {
	resumes bool
	from    uint64
	limit   uint64
}

func newReading(
	ctx context.Context, client *Client,
	open func(context.Context, resumption) (func() (part, error), error),
	place func(*quipupb.RecordedEvent) uint64, backwards bool, limit uint64,
) *Reading {
	return &Reading{ctx: ctx, client: client, open: open, place: place, backwards: backwards, limit: limit}
}

// Events gives the events in the order of the read. An error ends it. Leaving the loop closes the read.
func (r *Reading) Events() iter.Seq2[*RecordedEvent, error] {
	return func(yield func(*RecordedEvent, error) bool) {
		defer r.Close()
		for {
			batch, err := r.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, wire := range batch.events {
				event, err := r.client.read(wire)
				if !yield(event, err) || err != nil {
					return
				}
			}
		}
	}
}

// Collect gives all events, or the first error.
func (r *Reading) Collect() ([]*RecordedEvent, error) {
	var all []*RecordedEvent
	for event, err := range r.Events() {
		if err != nil {
			return nil, err
		}
		all = append(all, event)
	}
	return all, nil
}

// Snapshot is what the read begins with: nil when it was not asked for or there is none. It begins the read, so
// go on with Events or Close it.
func (r *Reading) Snapshot() (*Snapshot, error) {
	if !r.begun {
		first, err := r.next()
		if err != nil && err != io.EOF {
			r.Close()
			return nil, err
		}
		r.first = &first
	}
	if r.snapshot == nil {
		return nil, nil
	}
	return snapshotFromWire(r.snapshot)
}

// Head is, once the read has come to its end, what it was pinned to: the stream's last revision or the log's
// head. False before, and when a limit ended a read that had to be gone on with after a break.
func (r *Reading) Head() (uint64, bool) {
	if r.head == nil {
		return 0, false
	}
	return *r.head, true
}

// Close ends the read. It need not be called after Events or Collect.
func (r *Reading) Close() {
	if r.cancel != nil {
		r.cancel()
	}
	r.cancel, r.receive = nil, nil
}

// next gives the next part, io.EOF after the last.
func (r *Reading) next() (part, error) {
	if r.first != nil {
		first := *r.first
		r.first = nil
		return first, nil
	}
	r.begun = true
	for {
		if r.head != nil || (r.limit > 0 && r.delivered >= r.limit && r.receive == nil) {
			return part{}, io.EOF
		}
		received, err := r.attempt()
		if err == nil {
			r.failures = 0
			return r.take(received), nil
		}
		r.Close()
		r.failures++
		if !r.client.retry.again(r.ctx, r.client.log, err, r.failures) {
			return part{}, err
		}
	}
}

// attempt receives the next message, over a new call if none is open.
func (r *Reading) attempt() (part, error) {
	if err := ended(r.ctx); err != nil {
		return part{}, err
	}
	if r.receive == nil {
		ctx, cancel := context.WithCancel(r.ctx)
		r.cancel = cancel
		receive, err := r.open(ctx, r.resumption())
		if err != nil {
			return part{}, callFailure(r.ctx, err)
		}
		r.receive = receive
	}
	received, err := r.receive()
	if err == io.EOF { // the last message carries the head: this was not the end
		return part{}, unavailable("the read was cut short")
	}
	if err != nil {
		return part{}, failure(r.ctx, err)
	}
	return received, nil
}

// take notes what a part brings, and drops what was delivered before a break.
func (r *Reading) take(received part) part {
	if received.snapshot != nil {
		r.snapshot = received.snapshot
	}
	if received.head != nil {
		r.head = received.head
	}
	for len(received.events) > 0 && r.last != nil && !r.isPast(received.events[0]) {
		received.events = received.events[1:]
	}
	if count := len(received.events); count > 0 {
		r.delivered += uint64(count)
		r.last = new(r.place(received.events[count-1]))
	}
	return received
}

func (r *Reading) isPast(event *quipupb.RecordedEvent) bool {
	if r.backwards {
		return r.place(event) < *r.last
	}
	return r.place(event) > *r.last
}

func (r *Reading) resumption() resumption {
	at := resumption{limit: r.limit}
	switch {
	case r.last == nil && r.snapshot == nil:
		return at
	case r.last == nil:
		at.from = r.snapshot.GetRevision() + 1
	case !r.backwards:
		at.from = *r.last + 1
	case *r.last > 1:
		at.from = *r.last - 1
	default: // nothing lies before it that could be named: it comes again, for the head's sake, and is dropped
		at.from = *r.last
		if at.limit > 0 {
			at.limit++
		}
	}
	at.resumes = true
	if r.limit > 0 {
		at.limit -= r.delivered
	}
	return at
}

// callFailure leaves an error of this side as it is.
func callFailure(ctx context.Context, err error) error {
	var failed *Error
	if errors.As(err, &failed) {
		return err
	}
	return failure(ctx, err)
}
