package reactor

// The drift watch: compares what models are asked with what they were trained on. A batch in a unit that it does
// not know is parked: nothing helps until somebody tells it about that unit.

import (
	"context"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/feature"
	"quipu/examples/ml-platform/internal/platform"
)

func newDriftWatch(platform *platform.Platform, settings Settings) *quipu.Reactor {
	handler := func(ctx context.Context, recorded *quipu.RecordedEvent) error {
		served, err := event.Open[event.PredictionsServed](recorded)
		if err != nil {
			return quipu.Park(err.Error())
		}
		factor, known := settings.Units[served.Unit]
		if !known {
			return quipu.Park(fmt.Sprintf("the unit %q is not known", served.Unit))
		}
		for i := range served.Values {
			served.Values[i] *= factor
		}
		model, err := platform.Models.Load(ctx, served.Model)
		if err != nil {
			return err
		}
		set, err := platform.FeatureSets.Load(ctx, model.FeatureSet)
		if err != nil {
			return err
		}
		detected, hasDrifted := set.Judge(served)
		if !hasDrifted {
			return nil
		}
		command := event.CausedBy(recorded, "drift")
		command.Tags = []string{"model:" + served.Model}
		decide := func(feature feature.Feature) ([]event.Payload, error) { return feature.Drift(detected) }
		return platform.Features.Do(ctx, detected.Feature, command, decide)
	}
	return newReactor(platform.Client, DriftWatch, handler, event.TypePredictionsServed)
}
