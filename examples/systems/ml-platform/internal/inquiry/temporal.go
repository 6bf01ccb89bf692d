package inquiry

// Questions about a time. There are two: when something happened in the world, and when the platform got to know it.

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/training"
)

// Moment is as of when a question is asked.
type Moment struct {
	// World is the time in the world: what happened after it is left out. Zero: all that has happened.
	World time.Time
	// Known leaves out what the platform got to know at this time or later. Zero: all that is known now.
	Known time.Time
}

// end is the first instant after the time in the world.
func (m Moment) end() time.Time {
	if m.World.IsZero() {
		return m.World
	}
	return m.World.Add(1)
}

// InProduction gives the models that were in production at a moment, sorted.
func InProduction(ctx context.Context, client *quipu.Client, moment Moment) ([]string, error) {
	search := Search{
		Types:      []string{event.TypeModelPromoted, event.TypeModelRetired},
		RecordedTo: moment.Known, HappenedTo: moment.end(),
	}
	var changes []*quipu.RecordedEvent
	for recorded, err := range Find(ctx, client, search) {
		if err != nil {
			return nil, err
		}
		changes = append(changes, recorded)
	}
	// History comes into the log late: what counts is the order in the world.
	slices.SortStableFunc(changes, func(a, b *quipu.RecordedEvent) int {
		return cmp.Or(event.HappenedAt(a).Compare(event.HappenedAt(b)), cmp.Compare(a.Position, b.Position))
	})
	models := map[string]bool{}
	for _, change := range changes {
		model := change.Stream[len(event.ModelStream("")):]
		if change.Type == event.TypeModelPromoted {
			models[model] = true
		} else {
			delete(models, model)
		}
	}
	return slices.Sorted(maps.Keys(models)), nil
}

// RunAsOf gives the state of a run at a moment.
func RunAsOf(ctx context.Context, client *quipu.Client, run string, moment Moment) (training.Run, error) {
	var state training.Run
	search := Search{
		Stream: event.RunStream(run), RecordedTo: moment.Known, HappenedTo: moment.end(),
	}
	for recorded, err := range Find(ctx, client, search) {
		if err != nil {
			return state, err
		}
		if state, err = training.Apply(state, recorded); err != nil {
			return state, err
		}
	}
	return state, nil
}
