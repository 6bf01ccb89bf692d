package reactor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/check"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/feature"
	"quipu/examples/ml-platform/internal/inference"
	"quipu/examples/ml-platform/internal/model"
	"quipu/examples/ml-platform/internal/pager"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/platformtest"
	"quipu/examples/ml-platform/internal/reactor"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// deploy prepares a model in use whose leading feature has a mean of 10.
func deploy(ctx context.Context, t *testing.T, platform *platform.Platform) {
	platformtest.OK(t, platform.FeatureSets.Do(ctx, "s", event.Command{ID: "s", At: noon},
		platformtest.Decided[feature.Set](event.FeatureSetMaterialized{
			FeatureSet: "s", Dataset: "d", DatasetVersion: 1,
			Baselines: []event.Baseline{{Feature: "age", Mean: 10, Deviation: 1}},
		})))
	platformtest.OK(t, platform.Models.Do(ctx, "m", event.Command{ID: "m", At: noon},
		platformtest.Decided[model.Model](event.ModelRegistered{
			Model: "m", Family: "f", Run: "m", FeatureSet: "s", Artifact: "a", Accuracy: 0.9,
			Code: event.Code{Repository: "git", Commit: "0123456789012345678901234567890123456789"},
		})))
}

func serve(ctx context.Context, t *testing.T, platform *platform.Platform, batch int, unit string, value float64) {
	served := event.PredictionsServed{Model: "m", Batch: batch, Feature: "age", Unit: unit, Values: []float64{value}}
	command := event.Command{ID: fmt.Sprint("batch-", batch), Correlation: "use", At: noon}
	platformtest.OK(t, platform.Deployments.Do(ctx, "m", command,
		platformtest.Decided[inference.Deployment](served)))
}

// run runs a reactor until everything that it is to do is settled.
func run(ctx context.Context, t *testing.T, platform *platform.Platform, name string, settings reactor.Settings) {
	t.Helper()
	running, err := reactor.New(name, platform, settings)
	platformtest.OK(t, err)
	ended := make(chan error, 1)
	go func() { ended <- running.Run(ctx) }()
	platformtest.OK(t, check.Until(ctx, "the reactor", func() (bool, error) {
		return check.IsGroupThere(ctx, platform.Client, name)
	}))
	running.Stop()
	platformtest.OK(t, <-ended)
}

func types(ctx context.Context, t *testing.T, client *quipu.Client, stream string) (types []string) {
	t.Helper()
	for recorded, err := range client.ReadStream(ctx, stream, quipu.ReadStreamOptions{}).Events() {
		platformtest.OK(t, err)
		types = append(types, recorded.Type)
	}
	return types
}

func TestABatchInAnUnknownUnitIsParkedWithTheReasonAndDealtWithAfterTheFix(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	deploy(ctx, t, platform)
	serve(ctx, t, platform, 1, "metric", 10)
	serve(ctx, t, platform, 2, "imperial", 10) // which is 25.4
	serve(ctx, t, platform, 3, "metric", 20)
	run(ctx, t, platform, reactor.DriftWatch, reactor.Settings{Units: reactor.MetricOnly()})

	if found := types(ctx, t, platform.Client, "feature-age"); len(found) != 1 {
		t.Error("the batch behind the parked one was not dealt with:", found)
	}
	var letters []quipu.ParkedEvent
	for letter, err := range platform.Client.Consumers.ListParked(ctx, reactor.DriftWatch) {
		platformtest.OK(t, err)
		letters = append(letters, letter)
	}
	if len(letters) != 1 || letters[0].Event.Revision != 1 || letters[0].Tries != 1 ||
		letters[0].Reason != `the unit "imperial" is not known` {
		t.Fatalf("parked are %+v", letters)
	}

	replayed, err := platform.Client.Consumers.ReplayParked(ctx, reactor.DriftWatch)
	if replayed != 1 || err != nil {
		t.Fatal(replayed, err)
	}
	run(ctx, t, platform, reactor.DriftWatch, reactor.Settings{Units: reactor.WithImperial()})
	if found := types(ctx, t, platform.Client, "feature-age"); len(found) != 2 {
		t.Error("after the fix the drifts are", found)
	}
	group, err := platform.Client.Consumers.Get(ctx, reactor.DriftWatch)
	if group.Parked != 0 || err != nil {
		t.Error("still parked are", group.Parked, err)
	}
}

func TestOnCallIsPagedOnceThoughTheAnswerIsLostAndAllIsDoneAgain(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	deploy(ctx, t, platform)
	serve(ctx, t, platform, 1, "metric", 20)
	serve(ctx, t, platform, 2, "metric", 30)
	run(ctx, t, platform, reactor.DriftWatch, reactor.Settings{Units: reactor.MetricOnly()})
	directory := t.TempDir()
	for range 2 {
		lossy, err := pager.Open(directory, 1)
		platformtest.OK(t, err)
		run(ctx, t, platform, reactor.OnCall, reactor.Settings{Pager: lossy})
		group, err := platform.Client.Consumers.Get(ctx, reactor.OnCall)
		if err != nil || group.Counts.Retried < 2 {
			t.Error("no answer was lost", group.Counts, err)
		}
		sent, err := pager.Sent(directory)
		if len(sent) != 2 || err != nil {
			t.Error("pages:", sent, err)
		}
		_, err = platform.Client.Consumers.Reset(ctx, reactor.OnCall, quipu.Start())
		platformtest.OK(t, err)
	}
}

func TestAModelIsEvaluatedAndPromotedOnceThoughAllIsDoneAgain(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	deploy(ctx, t, platform)
	for range 2 {
		run(ctx, t, platform, reactor.Evaluator, reactor.Settings{})
		found := strings.Join(types(ctx, t, platform.Client, "model-m"), " ")
		if found != "ModelRegistered ModelEvaluated ModelPromoted" {
			t.Error(found)
		}
		_, err := platform.Client.Consumers.Reset(ctx, reactor.Evaluator, quipu.Start())
		platformtest.OK(t, err)
	}
	options := quipu.ReadStreamOptions{Types: []string{event.TypeModelEvaluated}}
	reading := platform.Client.ReadStream(ctx, "model-m", options)
	evaluated := platformtest.Must[[]*quipu.RecordedEvent](t)(reading.Collect())
	if evaluated[0].ContentType != "application/json+gzip" || !evaluated[0].OccurredAt.Equal(noon) {
		t.Error("the store has it as", evaluated[0].ContentType, evaluated[0].OccurredAt)
	}
	if opened, err := event.Open[event.ModelEvaluated](evaluated[0]); err != nil || len(opened.Slices) != 40 {
		t.Error(opened, err)
	}
}

func TestNobodyActsOnHistory(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	command := event.Command{ID: "h", At: noon, Source: event.SourceHistory}
	sealed, err := command.Seal(event.TrainingRunCompleted{
		Run: "r", Steps: 1, Digest: strings.Repeat("0", 64), Artifact: "a",
	})
	platformtest.OK(t, err)
	_, err = platform.Client.Append(ctx, event.RunStream("r"), quipu.NoStream, sealed)
	platformtest.OK(t, err)
	run(ctx, t, platform, reactor.Registrar, reactor.Settings{})
	info, err := platform.Client.ServerInfo(ctx)
	group, _ := platform.Client.Consumers.Get(ctx, reactor.Registrar)
	if err != nil || info.Head != 1 || group.Counts.Skipped != 1 {
		t.Error("the log has", info.Head, "events; skipped", group.Counts.Skipped, err)
	}
}
