package inquiry_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/inquiry"
	"quipu/examples/ml-platform/internal/model"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/platformtest"
	"quipu/examples/ml-platform/internal/reactor"
	"quipu/examples/ml-platform/internal/training"
	"quipu/examples/ml-platform/internal/workload"
)

// perform does a plan with the reactors that it needs, as parts of this process.
func perform(ctx context.Context, t *testing.T, platform *platform.Platform, plan workload.Plan) {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, name := range []string{reactor.Registrar, reactor.Evaluator} {
		reactor, err := reactor.New(name, platform, reactor.Settings{})
		platformtest.OK(t, err)
		go func() { _ = reactor.Run(ctx) }()
	}
	platformtest.OK(t, workload.Drive(ctx, platform, plan))
}

func TestARunOfThousandsOfStepsIsReplayedExactly(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	plan := workload.NewPlan(1, 9000)
	plan.Lines = [][]workload.Endeavour{plan.Lines[0][:1]}
	perform(ctx, t, platform, plan)
	made := plan.Lines[0][0]

	var steps []inquiry.Step
	replayed, err := inquiry.ReplayRun(ctx, platform.Client, made.Run, func(step inquiry.Step) error {
		steps = append(steps, step)
		return nil
	})
	platformtest.OK(t, err)
	if !replayed.IsExact() || replayed.Status != training.Completed || len(steps) != 3000 {
		t.Fatal(replayed, len(steps))
	}
	for i, step := range steps {
		said, err := json.Marshal(made.Steps[i])
		if err != nil || step.Number != i+1 || string(step.Payload) != string(said) {
			t.Fatalf("step %d was %s, is %s", i+1, said, step.Payload)
		}
	}
	loaded := platformtest.Must[training.Run](t)(platform.Runs.Load(ctx, made.Run))
	rebuilt := platformtest.Must[training.Run](t)(platform.Runs.Rebuild(ctx, made.Run))
	if loaded != rebuilt || loaded.Digest != replayed.Told {
		t.Error("with snapshots the run is", loaded, "and without", rebuilt)
	}
}

func TestAStepThatIsMissingOrChangedIsNoticed(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	say := func(run, key string, payloads ...event.Payload) {
		sealed, err := event.Command{ID: run + key}.Seal(payloads...)
		platformtest.OK(t, err)
		_, err = platform.Client.Append(ctx, event.RunStream(run), quipu.Any, sealed)
		platformtest.OK(t, err)
	}
	step := func(number int, loss float64) event.Payload {
		return event.TrainingProgressedV1{Step: number, Loss: loss}
	}
	digest, err := training.DigestOf([]event.Payload{step(1, 0.5), step(2, 0.4)})
	platformtest.OK(t, err)
	end := func(run string) event.Payload {
		return event.TrainingRunCompleted{Run: run, Steps: 2, Digest: digest, Artifact: "a"}
	}
	say("whole", "", step(1, 0.5), step(2, 0.4), end("whole"))
	say("changed", "", step(1, 0.5), step(2, 0.3), end("changed"))
	say("torn", "", step(1, 0.5), step(3, 0.4), end("torn"))
	nothing := func(inquiry.Step) error { return nil }
	for run, expected := range map[string]bool{"whole": true, "changed": false} {
		replayed, err := inquiry.ReplayRun(ctx, platform.Client, run, nothing)
		if err != nil || replayed.IsExact() != expected {
			t.Error(run, replayed, err)
		}
	}
	if _, err := inquiry.ReplayRun(ctx, platform.Client, "torn", nothing); err == nil ||
		!strings.Contains(err.Error(), "step 3 comes where step 2 should be") {
		t.Error("a step is missing:", err)
	}
}

func TestAModelIsTracedBackToItsRunDataFeaturesAndCode(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	plan := workload.NewPlan(1, 200)
	plan.Lines = [][]workload.Endeavour{plan.Lines[0][:1]}
	perform(ctx, t, platform, plan)
	made := plan.Lines[0][0]

	found := platformtest.Must[inquiry.Provenance](t)(inquiry.ProvenanceOf(ctx, platform.Client, made.Run))
	if found.Run.Code != made.Started.Code || found.Run.Hyperparameters["depth"] == 0 {
		t.Error("the run was", found.Run)
	}
	if found.Dataset != made.Published || found.FeatureSet.FeatureSet != made.Materialized.FeatureSet {
		t.Error("it was trained on", found.Dataset, found.FeatureSet)
	}
	if len(found.Features) != 3 || found.Features[0].Code.Commit == "" {
		t.Error("its features are", found.Features)
	}
	var types []string
	for _, cause := range found.Causes {
		types = append(types, cause.Type)
	}
	if !slices.Equal(types, []string{
		event.TypeModelRegistered, event.TypeTrainingRunCompleted, event.TypeTrainingRunStarted,
		event.TypeFeatureSetMaterialized, event.TypeDatasetVersionPublished,
	}) {
		t.Error("the way back is", types)
	}
	if found.Endeavour[event.TypeTrainingProgressed] != len(made.Steps) ||
		found.Endeavour[event.TypeModelEvaluated] != 1 {
		t.Error("in its making happened", found.Endeavour)
	}
	if _, err := inquiry.ProvenanceOf(ctx, platform.Client, "unknown"); !errors.Is(err, quipu.StreamNotFound) {
		t.Error("an unknown model has a provenance", err)
	}
}

func TestWhatWasInProductionDependsOnTheTimeInTheWorldAndOnWhatWasKnownThen(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	day := func(number int) time.Time { return time.Date(2026, time.March, number, 0, 0, 0, 0, time.UTC) }
	say := func(id string, at time.Time, payload event.Payload) {
		command := event.Command{ID: id + payload.EventType(), At: at}
		platformtest.OK(t, platform.Models.Do(ctx, id, command, platformtest.Decided[model.Model](payload)))
	}
	say("new", day(10), event.ModelPromoted{Model: "new", Stage: "production", ApprovedBy: "x"})
	info := platformtest.Must[*quipu.RecordedEvent](t)(platform.Client.GetEventAt(ctx, 1))
	// Only afterwards does anybody tell of what was before.
	say("old", day(1), event.ModelPromoted{Model: "old", Stage: "production", ApprovedBy: "x"})
	say("old", day(9), event.ModelRetired{Model: "old", Reason: "x"})
	known := info.RecordedAt.Add(time.Nanosecond)
	for _, it := range []struct {
		moment   inquiry.Moment
		expected []string
	}{
		{inquiry.Moment{World: day(5)}, []string{"old"}},
		{inquiry.Moment{World: day(9)}, nil},
		{inquiry.Moment{World: day(10)}, []string{"new"}},
		{inquiry.Moment{}, []string{"new"}},
		{inquiry.Moment{World: day(5), Known: known}, nil},
		{inquiry.Moment{World: day(11), Known: known}, []string{"new"}},
	} {
		found := platformtest.Must[[]string](t)(inquiry.InProduction(ctx, platform.Client, it.moment))
		if !slices.Equal(found, it.expected) {
			t.Errorf("at %+v: %v, expected %v", it.moment, found, it.expected)
		}
	}
}

func TestARunIsSeenAsItWasAtATime(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	plan := workload.NewPlan(1, 200)
	plan.Lines = [][]workload.Endeavour{plan.Lines[0][:1]}
	perform(ctx, t, platform, plan)
	made := plan.Lines[0][0]
	begun := made.BeginsAt.Add(2 * time.Minute)
	for seconds, steps := range map[int]int{0: 0, 10: 10, 10_000: len(made.Steps)} {
		moment := inquiry.Moment{World: begun.Add(time.Duration(seconds) * time.Second)}
		run := platformtest.Must[training.Run](t)(inquiry.RunAsOf(ctx, platform.Client, made.Run, moment))
		if run.Steps != steps {
			t.Errorf("%d seconds after its beginning it was at step %d", seconds, run.Steps)
		}
	}
}

func TestEventsAreFoundByStreamTypeTimeAndCorrelation(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	plan := workload.NewPlan(1, 300)
	perform(ctx, t, platform, plan)
	made := plan.Lines[0][0]
	all := platformtest.Must[[]*quipu.RecordedEvent](t)(platform.Client.ReadAll(ctx, quipu.ReadAllOptions{}).Collect())
	middle := all[len(all)/2]
	for name, it := range map[string]struct {
		search inquiry.Search
		means  func(recorded *quipu.RecordedEvent) bool
	}{
		"stream": {inquiry.Search{Stream: event.RunStream(made.Run)}, func(recorded *quipu.RecordedEvent) bool {
			return recorded.Stream == event.RunStream(made.Run)
		}},
		"types": {inquiry.Search{Types: []string{event.TypeTrainingRunStarted, event.TypeModelEvaluated}},
			func(recorded *quipu.RecordedEvent) bool {
				return recorded.Type == event.TypeTrainingRunStarted || recorded.Type == event.TypeModelEvaluated
			}},
		"correlation": {inquiry.Search{Correlation: "endeavour-" + made.Run}, func(recorded *quipu.RecordedEvent) bool {
			return recorded.CorrelationID == "endeavour-"+made.Run
		}},
		"recorded": {inquiry.Search{RecordedFrom: middle.RecordedAt}, func(recorded *quipu.RecordedEvent) bool {
			return !recorded.RecordedAt.Before(middle.RecordedAt)
		}},
		"recorded before": {inquiry.Search{RecordedTo: middle.RecordedAt}, func(recorded *quipu.RecordedEvent) bool {
			return recorded.RecordedAt.Before(middle.RecordedAt)
		}},
		"happened": {inquiry.Search{HappenedFrom: middle.OccurredAt, HappenedTo: middle.OccurredAt.Add(time.Minute)},
			func(recorded *quipu.RecordedEvent) bool {
				at := event.HappenedAt(recorded)
				return !at.Before(middle.OccurredAt) && at.Before(middle.OccurredAt.Add(time.Minute))
			}},
		"type and correlation": {
			inquiry.Search{Types: []string{event.TypeTrainingProgressed}, Correlation: "endeavour-" + made.Run},
			func(recorded *quipu.RecordedEvent) bool {
				return recorded.Type == event.TypeTrainingProgressed && recorded.CorrelationID == "endeavour-"+made.Run
			}},
		"nothing": {inquiry.Search{Stream: "run-unknown"}, func(*quipu.RecordedEvent) bool { return false }},
	} {
		var found, expected []uint64
		for recorded, err := range inquiry.Find(ctx, platform.Client, it.search) {
			platformtest.OK(t, err)
			found = append(found, recorded.Position)
		}
		for _, recorded := range all {
			if it.means(recorded) {
				expected = append(expected, recorded.Position)
			}
		}
		if !slices.Equal(found, expected) || (len(expected) == 0) != (name == "nothing") {
			t.Errorf("%s: %v, expected %v", name, found, expected)
		}
	}
}
