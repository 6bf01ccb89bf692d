package quipu

// What to read, and the calls that read it.

import (
	"context"

	"quipu/client/quipupb"
)

// ReadStreamOptions say what of a stream is read. The zero value: all of it, oldest first.
type ReadStreamOptions struct {
	// From is where to begin: the zero value, Start, End or FromRevision.
	From Place
	// Backwards reads the newest event first.
	Backwards bool
	// Limit is the most events returned. 0: no limit.
	Limit uint64
	// WithSnapshot begins with the newest snapshot, if there is one (see [Reading.Snapshot]), and goes on with
	// the event after it. Only for a forwards read without From.
	WithSnapshot bool
	// Types: only events of these types, at most 64. Empty: all.
	Types []string
}

// ReadAllOptions say what of the log is read. The zero value: all of it, oldest first.
type ReadAllOptions struct {
	// From is where to begin: the zero value, Start, End, FromPosition or FromTime.
	From Place
	// Backwards reads the newest event first.
	Backwards bool
	// Limit is the most events returned. 0: no limit.
	Limit uint64
	// Query: only events that match. The zero value: all.
	Query Query
	// IncludeSystem also returns events of system streams, whose names start with `$`.
	IncludeSystem bool
}

// ReadStream reads one stream as it is when the read begins; nothing is sent before that. The read fails with
// [StreamNotFound], [StreamDeleted] or [StreamTombstoned] when there is nothing to read, with [BeyondEnd] when
// From lies more than one past the last revision.
func (c *Client) ReadStream(ctx context.Context, stream string, options ReadStreamOptions) *Reading {
	open := func(ctx context.Context, at resumption) (func() (part, error), error) {
		request := &quipupb.ReadStreamRequest{
			Stream: stream, Direction: direction(options.Backwards), Limit: at.limit,
			WithSnapshot: options.WithSnapshot, Types: options.Types,
		}
		from := options.From
		if at.resumes {
			from, request.WithSnapshot = FromRevision(at.from), false
		}
		if err := from.forReadStream(request); err != nil {
			return nil, err
		}
		stream, err := c.events.ReadStream(ctx, request)
		return func() (part, error) {
			message, err := stream.Recv()
			if err != nil {
				return part{}, err
			}
			return part{events: message.Events, snapshot: message.Snapshot, head: message.HeadRevision}, nil
		}, err
	}
	place := func(event *quipupb.RecordedEvent) uint64 { return event.GetRevision() }
	return newReading(ctx, c, open, place, options.Backwards, options.Limit)
}

// ReadAll reads the whole log as it is when the read begins; nothing is sent before that. It hides nothing of
// deleted streams. The read fails with [BeyondEnd] when From lies more than one past the head.
func (c *Client) ReadAll(ctx context.Context, options ReadAllOptions) *Reading {
	open := func(ctx context.Context, at resumption) (func() (part, error), error) {
		request := &quipupb.ReadAllRequest{
			Direction: direction(options.Backwards), Limit: at.limit,
			IncludeSystem: options.IncludeSystem, Query: options.Query.optionalToWire(),
		}
		from := options.From
		if at.resumes {
			from = FromPosition(at.from)
		}
		if err := from.forReadAll(request); err != nil {
			return nil, err
		}
		stream, err := c.events.ReadAll(ctx, request)
		return func() (part, error) {
			message, err := stream.Recv()
			if err != nil {
				return part{}, err
			}
			return part{events: message.Events, head: message.Head}, nil
		}, err
	}
	place := func(event *quipupb.RecordedEvent) uint64 { return event.GetPosition() }
	return newReading(ctx, c, open, place, options.Backwards, options.Limit)
}

// GetEvent returns the event with this id. [EventNotFound] when there is none.
func (c *Client) GetEvent(ctx context.Context, id string) (*RecordedEvent, error) {
	return c.getEvent(ctx, &quipupb.GetEventRequest{Key: &quipupb.GetEventRequest_Id{Id: id}})
}

// GetEventAt returns the event at this position. [EventNotFound] when there is none.
func (c *Client) GetEventAt(ctx context.Context, position uint64) (*RecordedEvent, error) {
	return c.getEvent(ctx, &quipupb.GetEventRequest{Key: &quipupb.GetEventRequest_Position{Position: position}})
}

func (c *Client) getEvent(ctx context.Context, request *quipupb.GetEventRequest) (*RecordedEvent, error) {
	answer, err := call(ctx, c, c.events.GetEvent, request)
	if err != nil {
		return nil, err
	}
	return c.read(answer.Event)
}

func direction(backwards bool) quipupb.Direction {
	if backwards {
		return quipupb.Direction_DIRECTION_BACKWARDS
	}
	return quipupb.Direction_DIRECTION_FORWARDS
}
