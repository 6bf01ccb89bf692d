// Package inquiry answers questions about the past: which events there are, how a run went, where a model comes
// from, what was in use at a time.
package inquiry

import (
	"context"
	"errors"
	"iter"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// Search says which events are meant: those that meet all that is set.
type Search struct {
	// Stream is the stream that they are in.
	Stream string
	// Types are the types that they may have.
	Types []string
	// Correlation is what they belong to.
	Correlation string
	// RecordedFrom and RecordedTo bound when the store got to know them, inclusive and exclusive.
	RecordedFrom, RecordedTo time.Time
	// HappenedFrom and HappenedTo bound when they happened in the world, inclusive and exclusive.
	HappenedFrom, HappenedTo time.Time
}

// Find gives the events, in the order of the log. Stream, types, correlation and the time of recording are looked up
// in the store's indexes; business time is compared event by event.
func Find(ctx context.Context, client *quipu.Client, search Search) iter.Seq2[*quipu.RecordedEvent, error] {
	return func(yield func(*quipu.RecordedEvent, error) bool) {
		for recorded, err := range search.read(ctx, client).Events() {
			if errors.Is(err, quipu.StreamNotFound) {
				return
			}
			if err == nil && after(recorded.RecordedAt, search.RecordedTo) {
				return // what comes later was recorded later
			}
			if err == nil && !search.matches(recorded) {
				continue
			}
			if !yield(recorded, err) || err != nil {
				return
			}
		}
	}
}

func (s Search) read(ctx context.Context, client *quipu.Client) *quipu.Reading {
	if s.Stream != "" {
		return client.ReadStream(ctx, s.Stream, quipu.ReadStreamOptions{Types: s.Types})
	}
	options := quipu.ReadAllOptions{}
	if len(s.Types) > 0 || s.Correlation != "" {
		options.Query = quipu.Match(quipu.QueryItem{Types: s.Types, CorrelationID: s.Correlation})
	}
	if !s.RecordedFrom.IsZero() {
		options.From = quipu.FromTime(s.RecordedFrom)
	}
	return client.ReadAll(ctx, options)
}

func (s Search) matches(recorded *quipu.RecordedEvent) bool {
	happened := event.HappenedAt(recorded)
	return !recorded.RecordedAt.Before(s.RecordedFrom) && !happened.Before(s.HappenedFrom) &&
		!after(happened, s.HappenedTo) && (s.Correlation == "" || recorded.CorrelationID == s.Correlation)
}

// after tells whether a time lies outside an end that is exclusive, and open where it is not set.
func after(at, end time.Time) bool { return !end.IsZero() && !at.Before(end) }
