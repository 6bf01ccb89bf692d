package quipu

// How far named consumers have got, kept in the store.

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"quipu/client/quipupb"
)

// Checkpoints tells how far named consumers have got. A checkpoint is as durable as an event.
type Checkpoints struct {
	client *Client
	api    quipupb.CheckpointsClient
}

// Checkpoint is a consumer's position.
type Checkpoint struct {
	// Name is the consumer's name.
	Name string
	// Position: everything up to here, inclusive, has been dealt with.
	Position uint64
	// UpdatedAt is the server's time of the last change.
	UpdatedAt time.Time
}

// ExpectedCheckpoint is what a checkpoint must be to be set. The zero value is no condition.
type ExpectedCheckpoint struct {
	wire *quipupb.CheckpointsSetRequest_Expected
}

// AnyCheckpoint is no condition.
func AnyCheckpoint() ExpectedCheckpoint { return ExpectedCheckpoint{} }

// CheckpointAbsent: there is none of this name.
func CheckpointAbsent() ExpectedCheckpoint {
	return ExpectedCheckpoint{&quipupb.CheckpointsSetRequest_Expected{}}
}

// CheckpointAt: it is at this position exactly.
func CheckpointAt(position uint64) ExpectedCheckpoint {
	return ExpectedCheckpoint{&quipupb.CheckpointsSetRequest_Expected{Position: &position}}
}

// Waited is how a wait for a checkpoint ended.
type Waited struct {
	// Reached: the checkpoint is at the position asked for, or beyond it. Otherwise the time was up.
	Reached bool
	// Position is where the checkpoint is. Nil: there is none.
	Position *uint64
}

// Get returns a checkpoint. [CheckpointNotFound] when there is none of this name.
func (c *Checkpoints) Get(ctx context.Context, name string) (Checkpoint, error) {
	answer, err := call(ctx, c.client, c.api.Get, &quipupb.CheckpointsGetRequest{Name: name})
	return checkpointFromWire(answer.GetCheckpoint()), err
}

// Set sets a checkpoint, forwards or backwards, durable before the answer. One that is there already is left as
// it is, whatever is expected. [BeyondEnd] when the position lies beyond the head, [WrongCheckpoint].
func (c *Checkpoints) Set(
	ctx context.Context, name string, position uint64, expected ExpectedCheckpoint,
) (Checkpoint, error) {
	request := &quipupb.CheckpointsSetRequest{Name: name, Position: position, Expected: expected.wire}
	answer, err := call(ctx, c.client, c.api.Set, request)
	return checkpointFromWire(answer.GetCheckpoint()), err
}

// List gives the checkpoints whose names begin with prefix, in the order of their names.
func (c *Checkpoints) List(ctx context.Context, prefix string) iter.Seq2[Checkpoint, error] {
	return pages(func(token string) ([]Checkpoint, string, error) {
		request := &quipupb.CheckpointsListRequest{Prefix: prefix, PageToken: token}
		answer, err := call(ctx, c.client, c.api.List, request)
		return mapped(answer.GetCheckpoints(), checkpointFromWire), answer.GetNextPageToken(), err
	})
}

// Delete deletes a checkpoint. [CheckpointNotFound] when there is none of this name.
func (c *Checkpoints) Delete(ctx context.Context, name string) error {
	_, err := call(ctx, c.client, c.api.Delete, &quipupb.CheckpointsDeleteRequest{Name: name})
	return err
}

// Wait waits until a checkpoint, which need not be there yet, has reached a position: whoever appended at that
// position then reads what the consumer made of it. It waits no longer than timeout, at most 10 minutes; 0 asks
// how things are now.
func (c *Checkpoints) Wait(
	ctx context.Context, name string, position uint64, timeout time.Duration,
) (Waited, error) {
	request := &quipupb.CheckpointsWaitRequest{Name: name, Position: position, Timeout: durationpb.New(timeout)}
	answer, err := callFor(ctx, c.client, timeout, c.api.Wait, request)
	if err != nil {
		return Waited{}, err
	}
	return Waited{answer.Reached, answer.Position}, nil
}

func checkpointFromWire(wire *quipupb.ConsumerCheckpoint) Checkpoint {
	return Checkpoint{wire.GetName(), wire.GetPosition(), timeFromWire(wire.GetUpdatedAt())}
}
