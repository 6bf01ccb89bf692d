package reactor

// The evaluator: a model that is registered is tried on data that it has not seen, and promoted if it is good.

import (
	"context"
	"fmt"
	"hash/fnv"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/model"
	"quipu/examples/ml-platform/internal/platform"
)

const (
	// accuracyThreshold is how good a model must be.
	accuracyThreshold = 0.8
	// evaluationSlices is for how many parts of the data a model is judged on its own.
	evaluationSlices = 40
	sliceRows        = 250
)

func newEvaluator(platform *platform.Platform, _ Settings) *quipu.Reactor {
	handler := func(ctx context.Context, recorded *quipu.RecordedEvent) error {
		registered, err := event.Open[event.ModelRegistered](recorded)
		if err != nil {
			return quipu.Park(err.Error())
		}
		command := event.CausedBy(recorded, "evaluate")
		command.Tags = []string{"family:" + registered.Family}
		return platform.Models.Do(ctx, registered.Model, command, func(model model.Model) ([]event.Payload, error) {
			return model.Evaluate(evaluate(registered), "evaluator")
		})
	}
	return newReactor(platform.Client, Evaluator, handler, event.TypeModelRegistered)
}

// evaluate judges a model slice by slice. The same model is always judged in the same way.
func evaluate(registered event.ModelRegistered) event.ModelEvaluated {
	evaluated := event.ModelEvaluated{Model: registered.Model, Threshold: accuracyThreshold}
	for i := range evaluationSlices {
		sum := fnv.New64a()
		_, _ = fmt.Fprintf(sum, "%s/%d", registered.Artifact, i) // never fails
		loss := float64(sum.Sum64()%1000) / 10_000               // up to a tenth worse than in training
		accuracy := max(0, registered.Accuracy-loss)
		evaluated.Slices = append(evaluated.Slices, event.Slice{
			Slice: fmt.Sprintf("cohort-%02d", i), Accuracy: accuracy, Rows: sliceRows,
		})
		evaluated.Accuracy += accuracy / evaluationSlices
	}
	evaluated.Passed = evaluated.Accuracy >= accuracyThreshold
	return evaluated
}
