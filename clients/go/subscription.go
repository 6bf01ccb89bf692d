package quipu

// A subscription in progress: it remembers how far it has got and, after a break, opens its call again from
// there, so each event is delivered once and in order.

import (
	"context"
	"iter"

	"quipu/client/quipupb"
)

// Signal is what a subscription tells besides events. All positions are positions in the log.
type Signal string

const (
	// NoSignal: the message is an event.
	NoSignal Signal = ""
	// CaughtUp: everything up to the head has been delivered; what follows is live.
	CaughtUp Signal = "caught up"
	// FellBehind: the subscriber is too slow for the live part and is served from disk for a while. Nothing is
	// lost.
	FellBehind Signal = "fell behind"
	// PassedCheckpoint: everything up to the position has been delivered or did not match: a place to resume from.
	PassedCheckpoint Signal = "checkpoint"
	// Heartbeat: nothing happened for a while; everything up to the position has been delivered or did not match.
	Heartbeat Signal = "heartbeat"
	// Reconnected: the connection broke and is there again. Nothing is lost.
	Reconnected Signal = "reconnected"
)

// Message is what a subscription delivers: an event, or a signal.
type Message struct {
	// Event is set when there is no signal.
	Event *RecordedEvent
	// Signal is set when there is no event.
	Signal Signal
	// Position is that of the event, or how far the subscription has got. 0: Reconnected.
	Position uint64
	// Head is the head of the log, for CaughtUp, FellBehind and Heartbeat.
	Head uint64
}

// Subscription follows the log or a stream. It is iterated over once, by one goroutine, and goes on until its
// context ends or the loop is left. It connects again, for as long as it takes, when the server is away or
// says nothing for three of its heartbeats.
type Subscription struct {
	ctx        context.Context
	client     *Client
	open       func(context.Context, Place) (func() (heard, error), error)
	from       Place
	followsLog bool
}

// heard is what one message of a subscription brings: events, or a signal, or neither.
type heard struct {
	events         []*quipupb.RecordedEvent
	signal         Signal
	position, head uint64
}

// Events gives the events, without the signals. An error ends it: the context's end, [BeyondEnd] when the log
// was replaced by an older copy, an upcaster that failed.
func (s *Subscription) Events() iter.Seq2[*RecordedEvent, error] {
	return func(yield func(*RecordedEvent, error) bool) {
		for message, err := range s.Messages() {
			if message.Signal != NoSignal {
				continue
			}
			if !yield(message.Event, err) {
				return
			}
		}
	}
}

// Messages gives events and signals. It ends as Events does.
func (s *Subscription) Messages() iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for batch, err := range s.batches() {
			if err != nil {
				yield(Message{}, err)
				return
			}
			if batch.signal != NoSignal {
				if !yield(Message{Signal: batch.signal, Position: batch.position, Head: batch.head}, nil) {
					return
				}
				continue
			}
			for _, wire := range batch.events {
				event, err := s.client.read(wire)
				if err != nil {
					yield(Message{}, err)
					return
				}
				if !yield(Message{Event: event, Position: event.Position}, nil) {
					return
				}
			}
		}
	}
}

// batches gives what comes as it comes, over as many calls as it takes.
func (s *Subscription) batches() iter.Seq2[heard, error] {
	return func(yield func(heard, error) bool) {
		cursor, retry := s.from, s.client.retry.forever()
		for failures, hasBegun := 0, false; ; {
			hasHeard, err := s.follow(&cursor, hasBegun, yield)
			if err == nil {
				return
			}
			if hasHeard {
				failures, hasBegun = 0, true
			}
			failures++
			if !retry.again(s.ctx, s.client.log, err, failures) {
				if over := ended(s.ctx); over != nil {
					err = over
				}
				yield(heard{}, err)
				return
			}
		}
	}
}

// follow makes one call and hands on what comes; nil: the consumer has left. It tells whether anything came.
func (s *Subscription) follow(
	cursor *Place, isAgain bool, yield func(heard, error) bool,
) (hasHeard bool, err error) {
	watch := newWatch(s.ctx, s.client.silence)
	defer watch.close()
	next, err := s.open(watch.ctx, *cursor)
	if err != nil {
		return false, watch.failure(err)
	}
	for {
		batch, err := receive(watch, next)
		if err != nil {
			return hasHeard, err
		}
		s.move(cursor, batch)
		if isAgain && !hasHeard && !yield(heard{signal: Reconnected}, nil) {
			return true, nil
		}
		hasHeard = true
		if (len(batch.events) > 0 || batch.signal != NoSignal) && !yield(batch, nil) {
			return true, nil
		}
	}
}

// move sets the cursor behind what has come. Signals carry positions of the log, so they do not move the cursor
// of a stream.
func (s *Subscription) move(cursor *Place, batch heard) {
	var reached Place
	switch count := len(batch.events); {
	case count > 0 && s.followsLog:
		reached = AfterPosition(batch.events[count-1].GetPosition())
	case count > 0:
		reached = AfterRevision(batch.events[count-1].GetRevision())
	case batch.signal != NoSignal && s.followsLog:
		reached = AfterPosition(batch.position)
	default:
		return
	}
	if cursor.kind != reached.kind || cursor.number < reached.number {
		*cursor = reached
	}
}
