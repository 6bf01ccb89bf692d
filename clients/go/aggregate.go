package quipu

// State of one stream, decided upon with optimistic concurrency.

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	defaultExecuteTries    = 10
	defaultSnapshotVersion = "1"
	snapshotTimeout        = 30 * time.Second
)

// AggregateOptions say what a state is and how it comes about.
type AggregateOptions[State any] struct {
	// Initial makes the state before the first event. Nil: the zero value.
	Initial func() State
	// Apply folds an event, upcasted, into the state. It may change and return the state it is given.
	Apply func(state State, event *RecordedEvent) (State, error)
	// Tries is how often Execute decides while others are faster. 0: 10.
	Tries int
	// SnapshotEvery saves a snapshot, in JSON, in the background after every so many events. 0: never.
	SnapshotEvery uint64
	// SnapshotVersion is the version of the state's shape: snapshots of another are passed over. Empty: `1`.
	SnapshotVersion string
}

// Aggregate loads and changes the states of streams that are of one kind. It may be used by many goroutines.
type Aggregate[State any] struct {
	client     *Client
	options    AggregateOptions[State]
	saving     sync.Map // streams whose snapshot is being saved
	background sync.WaitGroup
}

// Loaded is the state of a stream.
type Loaded[State any] struct {
	// State is what the events make.
	State State
	// Revision is that of the last event folded in. Nil: the stream has no event.
	Revision *uint64
}

// Executed is what a decision came to.
type Executed struct {
	// Appended is where its events went. Nil: it decided for none.
	Appended *Appended
	// Tries is how often it was decided.
	Tries int
}

// NewAggregate makes an aggregate. Apply is required.
func NewAggregate[State any](client *Client, options AggregateOptions[State]) *Aggregate[State] {
	if options.Initial == nil {
		options.Initial = func() (zero State) { return zero }
	}
	options.Tries = cmp.Or(options.Tries, defaultExecuteTries)
	options.SnapshotVersion = cmp.Or(options.SnapshotVersion, defaultSnapshotVersion)
	return &Aggregate[State]{client: client, options: options}
}

// Load gives the state of a stream: its newest snapshot with the events behind it. A stream without events, or a
// deleted one, has the initial state. It fails with a [*HandlerError] when Apply fails, and with
// [StreamTombstoned].
func (a *Aggregate[State]) Load(ctx context.Context, stream string) (Loaded[State], error) {
	reading := a.client.ReadStream(ctx, stream, ReadStreamOptions{WithSnapshot: true})
	defer reading.Close()
	snapshot, err := reading.Snapshot()
	if err != nil {
		return a.unlessAbsent(err)
	}
	loaded := Loaded[State]{State: a.options.Initial()}
	if snapshot != nil {
		if cmp.Or(snapshot.SchemaVersion, defaultSnapshotVersion) != a.options.SnapshotVersion {
			return a.Rebuild(ctx, stream)
		}
		if err := snapshot.Decode(&loaded.State); err != nil {
			a.client.log.WarnContext(ctx, "a snapshot is of no use, folding all events", "error", err)
			return a.Rebuild(ctx, stream)
		}
		loaded.Revision = &snapshot.Revision
	}
	return a.fold(loaded, reading)
}

// Rebuild gives the state of a stream without any snapshot.
func (a *Aggregate[State]) Rebuild(ctx context.Context, stream string) (Loaded[State], error) {
	loaded := Loaded[State]{State: a.options.Initial()}
	loaded, err := a.fold(loaded, a.client.ReadStream(ctx, stream, ReadStreamOptions{}))
	if err != nil {
		return a.unlessAbsent(err)
	}
	return loaded, nil
}

// Execute loads a stream, has decide say what follows from its state, and appends that at the loaded revision.
// When somebody else was faster it loads what is new and decides again, a bounded number of times; then it fails
// with [WrongExpectedRevision]. Each decision's events get their ids once, so a retry never appends them twice.
// What decide fails with is returned as it is. decide must not change the state.
func (a *Aggregate[State]) Execute(
	ctx context.Context, stream string, decide func(state State) ([]NewEvent, error),
) (Executed, error) {
	loaded, err := a.Load(ctx, stream)
	for tries := 1; ; tries++ {
		if err != nil {
			return Executed{Tries: tries}, err
		}
		events, err := decide(loaded.State)
		if err != nil || len(events) == 0 {
			return Executed{Tries: tries}, err
		}
		expected := NoStream
		if loaded.Revision != nil {
			expected = Revision(*loaded.Revision)
		}
		appended, err := a.client.Append(ctx, stream, expected, events)
		if err == nil {
			a.saveSnapshot(ctx, stream, appended)
			return Executed{&appended, tries}, nil
		}
		if !errors.Is(err, WrongExpectedRevision) {
			return Executed{Tries: tries}, err
		}
		if tries >= a.options.Tries {
			return Executed{Tries: tries}, fmt.Errorf("quipu: others were faster %d times: %w", tries, err)
		}
		if loaded, err = a.catchUp(ctx, stream, loaded); err != nil {
			return Executed{Tries: tries}, err
		}
	}
}

// Wait waits until no snapshot is being saved any more.
func (a *Aggregate[State]) Wait() { a.background.Wait() }

// catchUp folds in what is new. Where the event folded in last is hidden by now, since the stream was deleted in
// between or its metadata changed, the state is loaded anew.
func (a *Aggregate[State]) catchUp(
	ctx context.Context, stream string, loaded Loaded[State],
) (Loaded[State], error) {
	if loaded.Revision == nil {
		return a.Load(ctx, stream)
	}
	known, isThere := *loaded.Revision, false
	for event, err := range a.client.ReadStream(ctx, stream, ReadStreamOptions{From: FromRevision(known)}).Events() {
		switch {
		case err != nil:
			return a.unlessAbsent(err)
		case event.Revision == known:
			isThere = true
			continue
		case !isThere:
			return a.Load(ctx, stream)
		}
		if err := a.apply(&loaded, event); err != nil {
			return Loaded[State]{}, err
		}
	}
	return loaded, nil
}

func (a *Aggregate[State]) fold(loaded Loaded[State], reading *Reading) (Loaded[State], error) {
	for event, err := range reading.Events() {
		if err != nil {
			return Loaded[State]{}, err
		}
		if err := a.apply(&loaded, event); err != nil {
			return Loaded[State]{}, err
		}
	}
	return loaded, nil
}

func (a *Aggregate[State]) apply(loaded *Loaded[State], event *RecordedEvent) error {
	state, err := a.options.Apply(loaded.State, event)
	if err != nil {
		return &HandlerError{event.Type, event.Version(), event.Position, err}
	}
	loaded.State, loaded.Revision = state, &event.Revision
	return nil
}

// unlessAbsent makes the initial state of a failure that says that there is nothing to read.
func (a *Aggregate[State]) unlessAbsent(err error) (Loaded[State], error) {
	for _, absent := range []Reason{StreamNotFound, StreamDeleted, TenantNotFound} {
		if errors.Is(err, absent) {
			return Loaded[State]{State: a.options.Initial()}, nil
		}
	}
	return Loaded[State]{}, err
}

// saveSnapshot saves the state in the background where one is due. It is loaded anew for that, so that nobody
// else holds it, and nothing in it is not from the store.
func (a *Aggregate[State]) saveSnapshot(ctx context.Context, stream string, appended Appended) {
	every := a.options.SnapshotEvery
	if every == 0 || appended.FirstRevision/every == (appended.LastRevision+1)/every {
		return
	}
	if _, isSaving := a.saving.LoadOrStore(stream, true); isSaving {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), snapshotTimeout)
	a.background.Go(func() {
		defer cancel()
		defer a.saving.Delete(stream)
		if err := a.saveNow(ctx, stream); err != nil {
			a.client.log.WarnContext(ctx, "a snapshot was not saved", "stream", stream, "error", err)
		}
	})
}

func (a *Aggregate[State]) saveNow(ctx context.Context, stream string) error {
	loaded, err := a.Load(ctx, stream)
	if err != nil || loaded.Revision == nil {
		return err
	}
	data, err := json.Marshal(loaded.State)
	if err != nil {
		return err
	}
	_, err = a.client.Snapshots.Save(ctx, SnapshotToSave{
		Stream: stream, Revision: *loaded.Revision, Data: data, SchemaVersion: a.options.SnapshotVersion,
	})
	return err
}
