// Package platform puts the parts together: the connection to the store, and what is decided upon in it.
package platform

import (
	"context"
	"log/slog"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/data"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/feature"
	"quipu/examples/ml-platform/internal/inference"
	"quipu/examples/ml-platform/internal/model"
	"quipu/examples/ml-platform/internal/training"
)

const (
	// runSnapshots is how many events of a run come between snapshots: runs have thousands.
	runSnapshots = 250
	// patience is how long a call goes on trying while the server is away.
	patience = 2 * time.Minute
)

// Platform is what the platform's processes work with.
type Platform struct {
	// Client is the connection.
	Client *quipu.Client
	// Datasets are decided upon by the id of a dataset.
	Datasets Desk[data.Dataset]
	// Features are decided upon by the id of a feature.
	Features Desk[feature.Feature]
	// FeatureSets are decided upon by the id of a set.
	FeatureSets Desk[feature.Set]
	// Runs are decided upon by the id of a run.
	Runs Desk[training.Run]
	// Models are decided upon by the id of a model.
	Models Desk[model.Model]
	// Deployments are decided upon by the id of a model.
	Deployments Desk[inference.Deployment]
}

// Desk is where is decided upon things of one kind.
type Desk[State any] struct {
	aggregate *quipu.Aggregate[State]
	stream    func(id string) string
}

// Connect connects to the store. All calls bear a server that is away for a while.
func Connect(ctx context.Context, address string, log *slog.Logger) (*Platform, error) {
	client, err := quipu.Connect(ctx, address, quipu.Options{
		Retry:   quipu.RetryPolicy{Attempts: -1, MaxBackoff: 200 * time.Millisecond},
		Timeout: patience, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return New(client), nil
}

// New makes a platform of a connection.
func New(client *quipu.Client) *Platform {
	return &Platform{
		Client:      client,
		Datasets:    newDesk(client, event.DatasetStream, data.Apply, 0),
		Features:    newDesk(client, event.FeatureStream, feature.Apply, 0),
		FeatureSets: newDesk(client, event.FeatureSetStream, feature.ApplySet, 0),
		Runs:        newDesk(client, event.RunStream, training.Apply, runSnapshots),
		Models:      newDesk(client, event.ModelStream, model.Apply, 0),
		Deployments: newDesk(client, event.DeploymentStream, inference.Apply, 0),
	}
}

// Close waits for snapshots that are being saved, and ends the connection.
func (p *Platform) Close() error {
	p.Runs.aggregate.Wait()
	return p.Client.Close()
}

func newDesk[State any](
	client *quipu.Client, stream func(string) string,
	apply func(State, *quipu.RecordedEvent) (State, error), snapshotEvery uint64,
) Desk[State] {
	options := quipu.AggregateOptions[State]{Apply: apply, SnapshotEvery: snapshotEvery}
	return Desk[State]{quipu.NewAggregate(client, options), stream}
}

// Do decides a command on what there is and appends what follows, sealed; nothing when nothing does.
func (d Desk[State]) Do(
	ctx context.Context, id string, command event.Command, decide func(State) ([]event.Payload, error),
) error {
	_, err := d.aggregate.Execute(ctx, d.stream(id), func(state State) ([]quipu.NewEvent, error) {
		payloads, err := decide(state)
		if err != nil {
			return nil, err
		}
		return command.Seal(payloads...)
	})
	return err
}

// Load gives the state of one, by its newest snapshot and the events behind it.
func (d Desk[State]) Load(ctx context.Context, id string) (State, error) {
	loaded, err := d.aggregate.Load(ctx, d.stream(id))
	return loaded.State, err
}

// Rebuild gives the state of one by all of its events.
func (d Desk[State]) Rebuild(ctx context.Context, id string) (State, error) {
	loaded, err := d.aggregate.Rebuild(ctx, d.stream(id))
	return loaded.State, err
}
