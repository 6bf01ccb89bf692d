package reactor

// The registrar: a run that has completed has brought forth a model.

import (
	"context"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/model"
	"quipu/examples/ml-platform/internal/platform"
)

func newRegistrar(platform *platform.Platform, _ Settings) *quipu.Reactor {
	handler := func(ctx context.Context, recorded *quipu.RecordedEvent) error {
		completed, err := event.Open[event.TrainingRunCompleted](recorded)
		if err != nil {
			return quipu.Park(err.Error())
		}
		run, err := platform.Runs.Load(ctx, completed.Run)
		if err != nil {
			return err
		}
		registered := event.ModelRegistered{
			Model: completed.Run, Family: run.Family, Run: run.ID, FeatureSet: run.FeatureSet, Code: run.Code,
			Artifact: completed.Artifact, Accuracy: completed.Accuracy,
		}
		command := event.CausedBy(recorded, "register")
		command.Tags = []string{"family:" + run.Family, "run:" + run.ID}
		return platform.Models.Do(ctx, registered.Model, command, func(model model.Model) ([]event.Payload, error) {
			return model.Register(registered)
		})
	}
	return newReactor(platform.Client, Registrar, handler, event.TypeTrainingRunCompleted)
}
