// Package reactor holds what happens by itself: a model is registered when a run has completed, evaluated when it
// is registered, its use is watched for drift, and whoever is on call is paged.
//
// Each reactor is a consumer group. What it does bears a repetition: events that it appends have ids made of the
// event that caused them, and pages have the id of theirs as a key.
package reactor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/pager"
	"quipu/examples/ml-platform/internal/platform"
)

// The names of the reactors, and of their consumer groups.
const (
	Registrar  = "registrar"
	Evaluator  = "evaluator"
	DriftWatch = "drift-watch"
	OnCall     = "on-call"
)

const concurrency = 8

// Settings are what reactors are told besides the platform.
type Settings struct {
	// Pager is where pages go.
	Pager *pager.Pager
	// Units are the units of measurement that the drift watch knows, with what a value in it is multiplied by.
	Units map[string]float64
}

// Metric is the unit that everybody knows.
const Metric = "metric"

// MetricOnly is what the drift watch knew first.
func MetricOnly() map[string]float64 { return map[string]float64{Metric: 1} }

// WithImperial is what it knows since somebody has told it about the rest of the world.
func WithImperial() map[string]float64 { return map[string]float64{Metric: 1, "imperial": 2.54} }

// makers make a reactor by its name.
var makers = map[string]func(*platform.Platform, Settings) *quipu.Reactor{
	Registrar:  newRegistrar,
	Evaluator:  newEvaluator,
	DriftWatch: newDriftWatch,
	OnCall:     newOnCall,
}

// Names are those of all reactors, sorted.
func Names() []string { return slices.Sorted(maps.Keys(makers)) }

// New makes a reactor by its name.
func New(name string, platform *platform.Platform, settings Settings) (*quipu.Reactor, error) {
	make, ok := makers[name]
	if !ok {
		return nil, fmt.Errorf("no reactor is called %q", name)
	}
	return make(platform, settings), nil
}

// newReactor makes a reactor for events of these types.
func newReactor(client *quipu.Client, group string, handler quipu.Handler, types ...string) *quipu.Reactor {
	reactor := quipu.NewReactor(client, group, quipu.ReactorOptions{
		Concurrency: concurrency,
		Settings: quipu.GroupSettings{
			Query: quipu.OfTypes(types...), Backoff: 50 * time.Millisecond, BackoffMax: 5 * time.Second,
		},
	})
	for _, eventType := range types {
		reactor.On(eventType, presentOnly(handler))
	}
	return reactor
}

// presentOnly passes over imported history: what followed from it has followed long ago.
func presentOnly(handler quipu.Handler) quipu.Handler {
	return func(ctx context.Context, recorded *quipu.RecordedEvent) error {
		if event.IsHistory(recorded) {
			return quipu.Skip("history")
		}
		return handler(ctx, recorded)
	}
}
