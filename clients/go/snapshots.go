package quipu

// Folded state of streams, kept by clients or made by the server.

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"quipu/client/quipupb"
)

// Snapshots keeps the folded state of streams. The last few of each stream are kept.
type Snapshots struct {
	client *Client
	api    quipupb.SnapshotsClient
}

// Snapshot is the state of a stream as it is after the event at a revision.
type Snapshot struct {
	// Stream is the stream's name.
	Stream string
	// Revision is that of the last event folded in.
	Revision uint64
	// Data is the state, opaque to the store.
	Data []byte
	// ContentType is the media type of Data. Empty means `application/json`.
	ContentType string
	// Metadata are free text pairs.
	Metadata map[string]string
	// SchemaVersion is the version of the state's shape. Empty means `1`.
	SchemaVersion string
	// SavedAt is the server's time of the save.
	SavedAt time.Time
}

// SnapshotToSave is a snapshot to save.
type SnapshotToSave struct {
	// Stream is the stream's name.
	Stream string
	// Revision is that of the last event folded in.
	Revision uint64
	// Data is the state: []byte and json.RawMessage go as they are, anything else goes through encoding/json.
	Data any
	// ContentType is the media type of Data. Empty: `application/json`.
	ContentType string
	// Metadata are free text pairs; at most 64 KiB together.
	Metadata map[string]string
	// SchemaVersion is the version of the state's shape. Empty: `1`.
	SchemaVersion string
}

// SnapshotInfo is what is known of a snapshot without reading it.
type SnapshotInfo struct {
	// Revision is that of the last event folded in.
	Revision uint64
	// SavedAt is the server's time of the save.
	SavedAt time.Time
	// SizeBytes is the size of the stored snapshot.
	SizeBytes uint64
}

// StateOptions say as of when a state is asked for. The zero value: now.
type StateOptions struct {
	// AtRevision: after the event at this revision, inclusive.
	AtRevision *uint64
	// AtTime: after the last event recorded at this time or before. Not together with AtRevision.
	AtTime time.Time
	// WithoutSnapshot begins with the first event, whatever snapshots there are.
	WithoutSnapshot bool
}

// State is what the server makes of a stream: its events' data, each laid over what was before as a JSON merge
// patch (RFC 7396).
type State struct {
	// Data is the state, in JSON.
	Data []byte
	// Revision is that of the last event folded in.
	Revision uint64
	// SnapshotRevision is that of the snapshot it began with. Nil: it began with the first event.
	SnapshotRevision *uint64
	// Events is how many events were folded in.
	Events uint64
}

// SnapshotPolicy says when the server saves snapshots by itself.
type SnapshotPolicy struct {
	// Category: of streams whose names begin with this and a `-`.
	Category string
	// EveryEvents: after every so many events of a stream; 2 to 1,000,000.
	EveryEvents uint32
}

// Decode fills a value from a JSON state.
func (s *Snapshot) Decode(into any) error {
	if err := json.Unmarshal(s.Data, into); err != nil {
		return fmt.Errorf("quipu: the snapshot of %s at revision %d does not decode: %w", s.Stream, s.Revision, err)
	}
	return nil
}

// Save saves the state of a stream, durable before the answer, and returns the server's time of it. It replaces
// one at the same revision. [SnapshotAhead] when the stream has not got that far, [StreamNotFound] when it has
// no event.
func (s *Snapshots) Save(ctx context.Context, snapshot SnapshotToSave) (time.Time, error) {
	data, err := payload(snapshot.Data)
	if err != nil {
		return time.Time{}, invalidBecause(err, "the snapshot of %s does not encode", snapshot.Stream)
	}
	answer, err := call(ctx, s.client, s.api.Save, &quipupb.SnapshotsSaveRequest{
		Stream: snapshot.Stream, Revision: &snapshot.Revision, Data: data, ContentType: snapshot.ContentType,
		Metadata: snapshot.Metadata, SchemaVersion: snapshot.SchemaVersion,
	})
	return timeFromWire(answer.GetSavedAt()), err
}

// Get returns the newest snapshot. [SnapshotNotFound] when there is none.
func (s *Snapshots) Get(ctx context.Context, stream string) (*Snapshot, error) {
	return s.get(ctx, &quipupb.SnapshotsGetRequest{Stream: stream})
}

// GetAtOrBefore returns the newest snapshot at or before a revision. [SnapshotNotFound] when there is none.
func (s *Snapshots) GetAtOrBefore(ctx context.Context, stream string, revision uint64) (*Snapshot, error) {
	return s.get(ctx, &quipupb.SnapshotsGetRequest{Stream: stream, AtOrBeforeRevision: &revision})
}

func (s *Snapshots) get(ctx context.Context, request *quipupb.SnapshotsGetRequest) (*Snapshot, error) {
	answer, err := call(ctx, s.client, s.api.Get, request)
	if err != nil {
		return nil, err
	}
	return snapshotFromWire(answer.Snapshot)
}

// List lists the snapshots of a stream, newest first, without their data.
func (s *Snapshots) List(ctx context.Context, stream string) ([]SnapshotInfo, error) {
	answer, err := call(ctx, s.client, s.api.List, &quipupb.SnapshotsListRequest{Stream: stream})
	if err != nil {
		return nil, err
	}
	return mapped(answer.Snapshots, func(wire *quipupb.SnapshotInfo) SnapshotInfo {
		return SnapshotInfo{wire.GetRevision(), timeFromWire(wire.SavedAt), wire.SizeBytes}
	}), nil
}

// Delete deletes the snapshot at a revision. [SnapshotNotFound] when there is none.
func (s *Snapshots) Delete(ctx context.Context, stream string, revision uint64) error {
	request := &quipupb.SnapshotsDeleteRequest{Stream: stream, Revision: &revision}
	_, err := call(ctx, s.client, s.api.Delete, request)
	return err
}

// DeleteAll deletes all snapshots of a stream and returns how many. [SnapshotNotFound] when there is none.
func (s *Snapshots) DeleteAll(ctx context.Context, stream string) (uint64, error) {
	answer, err := call(ctx, s.client, s.api.Delete, &quipupb.SnapshotsDeleteRequest{Stream: stream})
	return answer.GetDeleted(), err
}

// GetState has the server fold a stream. [StreamNotFound] when there is no event, [BeyondEnd] when the stream
// has not got that far, [NotFoldable] when a snapshot or an event is not JSON.
func (s *Snapshots) GetState(ctx context.Context, stream string, options StateOptions) (State, error) {
	request := &quipupb.SnapshotsGetStateRequest{Stream: stream, WithoutSnapshot: options.WithoutSnapshot}
	switch {
	case options.AtRevision != nil && !options.AtTime.IsZero():
		return State{}, invalid("a state is asked for by revision or by time, not by both")
	case options.AtRevision != nil:
		request.At = &quipupb.SnapshotsGetStateRequest_Revision{Revision: *options.AtRevision}
	case !options.AtTime.IsZero():
		request.At = &quipupb.SnapshotsGetStateRequest_Time{Time: timeToWire(options.AtTime)}
	}
	answer, err := call(ctx, s.client, s.api.GetState, request)
	if err != nil {
		return State{}, err
	}
	return State{answer.Data, answer.GetRevision(), answer.SnapshotRevision, answer.Events}, nil
}

// SetPolicy has the server save the state of each stream of a category after every so many events, in the
// background. It replaces the policy of that category.
func (s *Snapshots) SetPolicy(ctx context.Context, policy SnapshotPolicy) error {
	wire := &quipupb.SnapshotPolicy{Category: policy.Category, EveryEvents: policy.EveryEvents}
	_, err := call(ctx, s.client, s.api.SetPolicy, &quipupb.SnapshotsSetPolicyRequest{Policy: wire})
	return err
}

// ListPolicies lists policies in the order of their categories.
func (s *Snapshots) ListPolicies(ctx context.Context) ([]SnapshotPolicy, error) {
	answer, err := call(ctx, s.client, s.api.ListPolicies, &quipupb.SnapshotsListPoliciesRequest{})
	if err != nil {
		return nil, err
	}
	return mapped(answer.Policies, func(wire *quipupb.SnapshotPolicy) SnapshotPolicy {
		return SnapshotPolicy{wire.Category, wire.EveryEvents}
	}), nil
}

// DeletePolicy deletes the policy of a category; what it has saved stays. [PolicyNotFound] when there is none.
func (s *Snapshots) DeletePolicy(ctx context.Context, category string) error {
	_, err := call(ctx, s.client, s.api.DeletePolicy, &quipupb.SnapshotsDeletePolicyRequest{Category: category})
	return err
}

func snapshotFromWire(wire *quipupb.Snapshot) (*Snapshot, error) {
	if wire == nil || wire.Revision == nil {
		return nil, badAnswer("a snapshot's revision is missing")
	}
	return &Snapshot{
		Stream: wire.Stream, Revision: *wire.Revision, Data: wire.Data, ContentType: wire.ContentType,
		Metadata: wire.Metadata, SchemaVersion: wire.SchemaVersion, SavedAt: timeFromWire(wire.SavedAt),
	}, nil
}
