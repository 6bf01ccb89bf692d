package projection

// What projections are made of, and the list of them.

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// ReadModel is how a read model comes about.
type ReadModel struct {
	// Query is what it is made of.
	Query quipu.Query
	// register says what becomes of each type of event.
	register func(projector *quipu.Projector)
}

// All are the read models by name.
var All = map[string]ReadModel{
	TrainingSummaries: {trainingEvents, projectTraining},
	ModelCatalogue:    {catalogueEvents, projectCatalogue},
}

// Names are those of all read models, sorted.
func Names() []string { return slices.Sorted(maps.Keys(All)) }

// New makes the projector of a read model by its name.
func New(client *quipu.Client, name string) (*quipu.Projector, error) {
	model, ok := All[name]
	if !ok {
		return nil, fmt.Errorf("no read model is called %q", name)
	}
	projector := quipu.NewProjector(client, name, quipu.ProjectorOptions{Query: model.Query})
	model.register(projector)
	return projector, nil
}

// on makes a projection of a function of a payload and its business time.
func on[P any](
	project func(ctx context.Context, said P, at time.Time, tx *quipu.Tx) error,
) quipu.Projection {
	return func(ctx context.Context, recorded *quipu.RecordedEvent, tx *quipu.Tx) error {
		said, err := event.Open[P](recorded)
		if err != nil {
			return err
		}
		return project(ctx, said, event.HappenedAt(recorded), tx)
	}
}

// changeDocument reads a document, the zero value where there is none, changes it and writes it.
func changeDocument[D any](
	ctx context.Context, tx *quipu.Tx, kind, id string, change func(document *D) error,
) error {
	var document D
	if _, err := tx.Get(ctx, kind, id, &document); err != nil {
		return err
	}
	if err := change(&document); err != nil {
		return err
	}
	return tx.Upsert(kind, id, document)
}
