package quipu

// Appending to one stream, and to many at once.

import (
	"context"

	"quipu/client/quipupb"
)

// Appended is where an append went.
type Appended struct {
	// FirstRevision and LastRevision are those of the first and the last event appended.
	FirstRevision, LastRevision uint64
	// FirstPosition and LastPosition are those of the first and the last event appended.
	FirstPosition, LastPosition uint64
	// Deduplicated: the events were already there, from an earlier try, and nothing was added.
	Deduplicated bool
}

// Transaction is events for any number of streams, checkpoints to move forwards, and guards over all of it.
type Transaction struct {
	// Appends go in in this order; each stream at most once.
	Appends []StreamAppend
	// Guards must all hold; at most 32.
	Guards []Guard
	// Checkpoints move forwards with it; each name at most once, at most 32.
	Checkpoints []CheckpointAdvance
}

// StreamAppend is the part of a transaction that goes into one stream.
type StreamAppend struct {
	// Stream is the stream's name.
	Stream string
	// Expected is what the stream must look like.
	Expected Expected
	// Events go in in this order; at least one.
	Events []NewEvent
}

// CheckpointAdvance is a checkpoint that moves with a transaction.
type CheckpointAdvance struct {
	// Name is the consumer's name.
	Name string
	// Position is where it moves: beyond where it is, at most the head before the transaction.
	Position uint64
}

// Transacted is where a transaction went.
type Transacted struct {
	// Appends tells for each append, in the order of the request, where it went.
	Appends []Appended
	// FirstPosition and LastPosition are those of the first and the last event; 0: there was none.
	FirstPosition, LastPosition uint64
	// Deduplicated: the events were already there, from an earlier try, and nothing was changed.
	Deduplicated bool
}

// Append puts events at the end of one stream if it is as expected and all guards hold: all of the events or
// none, durable before the answer.
//
// It is retried while the server is unavailable, which never appends twice. When the tries are used up it is
// not known whether it went in: repeat it with the same ids to find out (see [NewEvent.ID]).
//
// It fails with [WrongExpectedRevision], [GuardNotMet], [StreamTombstoned], [EventIDConflict], [BeyondEnd] (a
// guard counts from beyond the head), [InvalidArgument], [LimitExceeded], [QueueFull] or [DiskFull], and then
// has changed nothing.
func (c *Client) Append(
	ctx context.Context, stream string, expected Expected, events []NewEvent, guards ...Guard,
) (Appended, error) {
	wire, err := eventsToWire(events)
	if err != nil {
		return Appended{}, err
	}
	return c.append(ctx, &quipupb.AppendRequest{
		Stream: stream, Expected: expected.toWire(), Events: wire, Guards: guardsToWire(guards),
	})
}

func (c *Client) append(ctx context.Context, request *quipupb.AppendRequest) (Appended, error) {
	answer, err := call(ctx, c, c.events.Append, request)
	if err != nil {
		return Appended{}, err
	}
	return appendedFromWire(answer)
}

// Transact does all of a transaction or nothing, durable before the answer; its events lie one after another
// in the log.
//
// It is retried as Append is, unless it has no event to be recognised by: then it is tried once. It fails as
// Append does, with [WrongCheckpoint] when a checkpoint would not move forwards, and with [BeyondEnd] when one
// would pass the head.
func (c *Client) Transact(ctx context.Context, transaction Transaction) (Transacted, error) {
	request := &quipupb.TransactRequest{Guards: guardsToWire(transaction.Guards)}
	hasEvents := false
	for _, part := range transaction.Appends {
		wire, err := eventsToWire(part.Events)
		if err != nil {
			return Transacted{}, err
		}
		hasEvents = hasEvents || len(wire) > 0
		request.Appends = append(request.Appends, &quipupb.StreamAppend{
			Stream: part.Stream, Expected: part.Expected.toWire(), Events: wire,
		})
	}
	for _, advance := range transaction.Checkpoints {
		request.Checkpoints = append(request.Checkpoints, &quipupb.CheckpointAdvance{
			Name: advance.Name, Position: advance.Position,
		})
	}
	way := callOnce[quipupb.TransactRequest, quipupb.TransactResponse]
	if hasEvents {
		way = call
	}
	answer, err := way(ctx, c, c.events.Transact, request)
	if err != nil {
		return Transacted{}, err
	}
	transacted := Transacted{
		FirstPosition: answer.GetFirstPosition(), LastPosition: answer.GetLastPosition(),
		Deduplicated: answer.Deduplicated,
	}
	for _, part := range answer.Appends {
		appended, err := appendedFromWire(part)
		if err != nil {
			return Transacted{}, err
		}
		transacted.Appends = append(transacted.Appends, appended)
	}
	return transacted, nil
}

func appendedFromWire(wire *quipupb.AppendResponse) (Appended, error) {
	if wire.FirstRevision == nil || wire.LastRevision == nil {
		return Appended{}, badAnswer("an append's revisions are missing")
	}
	return Appended{
		FirstRevision: *wire.FirstRevision, LastRevision: *wire.LastRevision,
		FirstPosition: wire.FirstPosition, LastPosition: wire.LastPosition, Deduplicated: wire.Deduplicated,
	}, nil
}
