package quipu

// Old events in today's shape.

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
)

// Upcaster brings an event of one schema version into the shape of the next. It is given a copy of its own and
// changes Data and, where need be, Type, ContentType, Metadata, Tags and OccurredAt. The client sets the version;
// what the server recorded about the event stays.
type Upcaster func(event *RecordedEvent) error

// Upcasters are applied to events as they are read, one after the other, until none is left that applies.
// Register all of them before the first event is read.
type Upcasters struct {
	steps versioned[upcastStep]
}

type upcastStep struct {
	to     string
	upcast Upcaster
}

// UpcastLoopError is a chain of upcasters that comes back to a version it has been at.
type UpcastLoopError struct {
	// Type is the type of the events.
	Type string
	// Versions is the chain, its last version being the one that it has come back to.
	Versions []string
}

// Error names the chain.
func (e *UpcastLoopError) Error() string {
	return fmt.Sprintf("quipu: upcasters of %s come back to version %s: %v", e.Type, e.Versions[len(e.Versions)-1],
		e.Versions)
}

// UpcastFailedError is an upcaster that failed on an event.
type UpcastFailedError struct {
	// Type and Version are those of the event at the step that failed.
	Type, Version string
	// Position is that of the event.
	Position uint64
	// Cause is what the upcaster returned, or a [*PanicError].
	Cause error
}

// Error tells which event it is and what was wrong.
func (e *UpcastFailedError) Error() string {
	return fmt.Sprintf("quipu: upcasting %s version %s at position %d: %v", e.Type, e.Version, e.Position, e.Cause)
}

// Unwrap gives the cause.
func (e *UpcastFailedError) Unwrap() error { return e.Cause }

// PanicError is a panic of code that the client was given: a handler or an upcaster.
type PanicError struct {
	// Value is what it panicked with.
	Value any
	// Stack is where.
	Stack []byte
}

// Error gives the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// NewUpcasters makes an empty collection.
func NewUpcasters() *Upcasters { return &Upcasters{} }

// Register adds a step from one version of a type to another. An event's version is looked up exactly, then by
// its major part (`2` for `2.1`); a step registered from the empty version is taken when there is no other, with
// one warning per type and version, and never from the version that it leads to. A chain that comes back to a
// version it has been at is refused with an [*UpcastLoopError]. Of two steps from one version the first counts.
func (u *Upcasters) Register(eventType, from, to string, upcast Upcaster) error {
	if eventType == "" || to == "" || upcast == nil {
		return invalid("an upcaster has a type, a version that it leads to, and a function")
	}
	trial := &Upcasters{}
	for version, steps := range u.steps.byType[eventType] {
		trial.steps.add(eventType, version, steps[0])
	}
	trial.steps.add(eventType, from, upcastStep{to, upcast})
	trials := trial.steps.byType[eventType]
	for _, start := range slices.Sorted(maps.Keys(trials)) {
		if err := trial.follow(eventType, start, trials[start][0].to); err != nil {
			return err
		}
	}
	u.steps.add(eventType, from, upcastStep{to, upcast})
	return nil
}

// UpcastJSON makes an upcaster of a function from one JSON shape to another.
func UpcastJSON[From, To any](convert func(From) (To, error)) Upcaster {
	return func(event *RecordedEvent) error {
		var old From
		if err := json.Unmarshal(event.Data, &old); err != nil {
			return err
		}
		next, err := convert(old)
		if err != nil {
			return err
		}
		event.Data, err = json.Marshal(next)
		return err
	}
}

// Upcast gives the event in its newest shape: the event itself when no step applies, otherwise a copy. It fails
// with an [*UpcastFailedError] or an [*UpcastLoopError].
func (u *Upcasters) Upcast(event *RecordedEvent) (*RecordedEvent, error) {
	return u.upcast(slog.Default(), event)
}

func (u *Upcasters) upcast(log *slog.Logger, event *RecordedEvent) (*RecordedEvent, error) {
	var been []string
	shape := event
	for {
		step, ok := u.step(shape.Type, shape.Version())
		if !ok {
			return shape, nil
		}
		u.steps.warn(log, "upcaster", shape.Type, shape.Version())
		if shape == event {
			shape = clone(event)
		}
		been = append(been, shape.Type+" "+shape.Version())
		if err := step.apply(shape); err != nil {
			return nil, &UpcastFailedError{shape.Type, shape.Version(), event.Position, err}
		}
		shape.ID, shape.Stream, shape.Revision = event.ID, event.Stream, event.Revision
		shape.Position, shape.RecordedAt, shape.SchemaVersion = event.Position, event.RecordedAt, step.to
		if now := shape.Type + " " + step.to; slices.Contains(been, now) {
			return nil, &UpcastLoopError{event.Type, append(been, now)}
		}
	}
}

// step is what is to be done with an event of this version.
func (u *Upcasters) step(eventType, version string) (upcastStep, bool) {
	found, _ := u.steps.find(eventType, version)
	if found == nil || found[0].to == version {
		return upcastStep{}, false
	}
	return found[0], true
}

// follow walks the chain from a step's end and refuses one that comes back.
func (u *Upcasters) follow(eventType, from, to string) error {
	been := []string{from}
	for version := to; ; {
		if slices.Contains(been, version) {
			return &UpcastLoopError{eventType, append(been, version)}
		}
		been = append(been, version)
		step, ok := u.step(eventType, version)
		if !ok {
			return nil
		}
		version = step.to
	}
}

func (s upcastStep) apply(event *RecordedEvent) error {
	return guarded(func() error { return s.upcast(event) })
}

func clone(event *RecordedEvent) *RecordedEvent {
	copied := *event
	copied.Data, copied.Tags = slices.Clone(event.Data), slices.Clone(event.Tags)
	copied.Metadata = maps.Clone(event.Metadata)
	return &copied
}

// guarded makes an error of a panic.
func guarded(call func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{value, debug.Stack()}
		}
	}()
	return call()
}
