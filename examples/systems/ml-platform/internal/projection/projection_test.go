package projection_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/check"
	"quipu/examples/ml-platform/internal/contract"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/history"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/platformtest"
	"quipu/examples/ml-platform/internal/projection"
	"quipu/examples/ml-platform/internal/workload"
)

// stepsOfEveryVersion is a run whose trainer was renewed again and again.
func stepsOfEveryVersion(ctx context.Context, t *testing.T, platform *platform.Platform) {
	known := event.TrainingProgressed{Step: 2, Epoch: 1, Metrics: event.Metrics{Loss: 0.5}}
	next := known
	next.Step = 3
	sealed, err := event.Command{ID: "run"}.Seal(
		event.TrainingRunStarted{
			Run: "r", Family: "f", FeatureSet: "s", Hyperparameters: map[string]float64{}, PlannedSteps: 5,
			Code: event.Code{Repository: "git", Commit: "0123456789012345678901234567890123456789"},
		},
		event.TrainingProgressedV1{Step: 1, Loss: 0.9},
		known,
		event.TrainingProgressedV21{TrainingProgressed: next, LearningRate: 0.1},
		event.TrainingProgressedPreview{Step: 4, Losses: map[string]float64{}, Devices: 2},
		event.TrainingProgressedPreview{Step: 5, Losses: map[string]float64{}, Devices: 2},
	)
	platformtest.OK(t, err)
	_, err = platform.Client.Append(ctx, event.RunStream("r"), quipu.NoStream, sealed)
	platformtest.OK(t, err)
}

func TestAStepIsHandledByItsExactVersionThenByTheMajorOneThenByTheWarnedDefault(t *testing.T) {
	ctx, platform, log := platformtest.New(t)
	stepsOfEveryVersion(ctx, t, platform)
	platformtest.CatchUp(ctx, t, platform)
	document, err := platform.Client.ReadModels.Get(ctx, projection.TrainingSummaries, projection.Runs, "r")
	platformtest.OK(t, err)
	var summary projection.Summary
	platformtest.OK(t, document.Decode(&summary))
	for handler, steps := range map[string]int{"1": 1, "2": 1, "2.1": 1, "default": 2} {
		if summary.StepsBy[handler] != steps {
			t.Errorf("the handler %q has dealt with %d steps", handler, summary.StepsBy[handler])
		}
	}
	if summary.Steps != 5 || summary.LastLoss != 0.5 || summary.LearningRate != 0.1 {
		t.Errorf("%+v", summary)
	}
	if warnings := strings.Count(log.String(), "no projection for this version"); warnings != 1 {
		t.Errorf("the default was warned of %d times: %s", warnings, log)
	}
}

func TestRebuiltFromZeroReadModelsAreWhatTheyWereAndWhatThePlainFoldSays(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	lines, err := workload.Past(3, 5)
	platformtest.OK(t, err)
	_, err = history.Import(ctx, platform.Client, lines)
	platformtest.OK(t, err)
	stepsOfEveryVersion(ctx, t, platform)
	platformtest.CatchUp(ctx, t, platform)
	before := platformtest.Must[check.Documents](t)(check.Load(ctx, platform.Client, projection.Names()...))
	for _, name := range projection.Names() {
		projector, err := projection.New(platform.Client, name)
		platformtest.OK(t, err)
		if generation, err := projector.Rebuild(ctx); generation != 2 || err != nil {
			t.Error(name, "has generation", generation, err)
		}
	}
	now := platformtest.Must[check.Documents](t)(check.Load(ctx, platform.Client, projection.Names()...))
	facts := platformtest.Must[[]check.Fact](t)(check.Log(ctx, platform.Client))
	if len(now) == 0 || len(check.Differences(now, before)) > 0 {
		t.Error("rebuilt they are others:", check.Differences(now, before))
	}
	if differences := check.Differences(now, check.Fold(facts)); len(differences) > 0 {
		t.Error("the fold says otherwise:", differences)
	}
	// That could have failed.
	delete(now, "training-summaries/run/r")
	now["model-catalogue/family/churn"]["promoted"] = 7.0
	now["model-catalogue/family/other"] = map[string]any{}
	if differences := check.Differences(now, before); len(differences) != 3 {
		t.Error("of three differences were found", differences)
	}
}

func TestAnEventThatBreaksItsContractStopsTheProjectionThatReadsIt(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	bad := quipu.NewEvent{Type: event.TypeModelRetired, Data: map[string]int{"model": 1}}
	_, err := platform.Client.Append(ctx, event.ModelStream("m"), quipu.Any, []quipu.NewEvent{bad})
	platformtest.OK(t, err)
	projector, err := projection.New(platform.Client, projection.ModelCatalogue)
	platformtest.OK(t, err)
	_, err = projector.CatchUp(ctx)
	var violation *contract.Violation
	if !errors.As(err, &violation) {
		t.Error(err)
	}
}
