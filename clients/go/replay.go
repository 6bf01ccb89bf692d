package quipu

// A pass over the log that can be stopped and gone on with.

import (
	"cmp"
	"context"
	"errors"
)

const defaultReplayBatch = 500

// ReplayOptions say what is replayed. The zero value: everything there is when it begins.
type ReplayOptions struct {
	// Query: only events that match. The zero value: all.
	Query Query
	// IncludeSystem also hands on events of system streams.
	IncludeSystem bool
	// From is where the first run begins: the zero value, Start, End, AfterPosition, FromPosition or FromTime. A
	// run that finds a checkpoint of its name begins behind that.
	From Place
	// BatchSize is the most events of a batch. 0: 500.
	BatchSize int
	// Follow goes on with what comes, instead of ending at the head that there was.
	Follow bool
}

// Replayed is how far a replay has come.
type Replayed struct {
	// Events and Batches are how many were handed on and dealt with.
	Events, Batches int
	// Position is that of the checkpoint: everything up to here has been dealt with. 0: there is none.
	Position uint64
}

// Replay hands events to handle in batches and sets the checkpoint of this name after each. It begins behind the
// checkpoint when there is one, so it can be stopped, or killed, and run again: then at most the batch that was
// in hand is handed on once more. It ends at the head that it saw first, with ctx, or with what handle fails
// with. Two of one name at the same time get in each other's way: one fails with [WrongCheckpoint].
func (c *Client) Replay(
	ctx context.Context, name string, options ReplayOptions,
	handle func(ctx context.Context, batch []*RecordedEvent) error,
) (Replayed, error) {
	from, expected := options.From, CheckpointAbsent()
	var done Replayed
	checkpoint, err := c.Checkpoints.Get(ctx, name)
	switch {
	case err == nil:
		done.Position = checkpoint.Position
		from, expected = AfterPosition(checkpoint.Position), CheckpointAt(checkpoint.Position)
	case !errors.Is(err, CheckpointNotFound) && !errors.Is(err, TenantNotFound):
		return done, err
	case from.kind == placeFromPosition:
		from = AfterPosition(max(from.number, 1) - 1)
	}
	until, err := c.replayEnd(ctx, options.Follow)
	if err != nil || (!options.Follow && until <= done.Position) {
		return done, err
	}
	following := batches{
		client:  c,
		options: SubscribeAllOptions{From: from, Query: options.Query, IncludeSystem: options.IncludeSystem},
		size:    cmp.Or(options.BatchSize, defaultReplayBatch),
		until:   until,
		take: func(events []*RecordedEvent, position uint64, _ bool) (bool, error) {
			if len(events) > 0 {
				if err := guarded(func() error { return handle(ctx, events) }); err != nil {
					return false, err
				}
				done.Events += len(events)
				done.Batches++
			}
			if position == done.Position {
				return false, nil
			}
			if _, err := c.Checkpoints.Set(ctx, name, position, expected); err != nil {
				return false, err
			}
			done.Position, expected = position, CheckpointAt(position)
			return false, nil
		},
	}
	err = following.run(ctx)
	return done, err
}

// replayEnd is the head, 0 for a replay that has no end.
func (c *Client) replayEnd(ctx context.Context, follow bool) (uint64, error) {
	if follow {
		return 0, nil
	}
	info, err := c.ServerInfo(ctx)
	return info.Head, err
}
