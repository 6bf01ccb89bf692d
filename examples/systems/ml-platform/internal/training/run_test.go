package training

import (
	"testing"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// after folds what was decided into a state.
func after(t *testing.T, run Run, payloads []event.Payload, err error) Run {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := event.Command{ID: "test"}.Seal(payloads...)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range sealed {
		run, err = Apply(run, &quipu.RecordedEvent{
			Type: it.Type, Data: it.Data.([]byte), ContentType: it.ContentType, SchemaVersion: it.SchemaVersion,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return run
}

func started(t *testing.T) Run {
	payloads, err := Run{}.Start(event.TrainingRunStarted{
		Run: "r", Family: "f", FeatureSet: "s", PlannedSteps: 2, Hyperparameters: map[string]float64{},
		Code: event.Code{Repository: "git", Commit: "0123456789012345678901234567890123456789"},
	})
	return after(t, Run{}, payloads, err)
}

func steps(from, count int) []event.Payload {
	var steps []event.Payload
	for i := range count {
		steps = append(steps, event.TrainingProgressed{
			Step: from + i, Epoch: 1, Metrics: event.Metrics{Loss: 1 / float64(from+i)},
		})
	}
	return steps
}

func TestARunGoesOnStepByStepAndKnowsARepetition(t *testing.T) {
	run := started(t)
	payloads, err := run.Progress(1, steps(1, 3))
	run = after(t, run, payloads, err)
	if again, err := run.Progress(1, steps(1, 3)); len(again) > 0 || err != nil {
		t.Error("steps were told twice", again, err)
	}
	for _, first := range []int{2, 5} {
		if _, err := run.Progress(first, steps(first, 3)); err == nil {
			t.Errorf("after step 3 it went on with step %d", first)
		}
	}
	if again, err := run.Start(event.TrainingRunStarted{}); len(again) > 0 || err != nil {
		t.Error("it was started twice")
	}
}

func TestARunEndsOnlyWithTheStepsThatItsTrainerMade(t *testing.T) {
	run := started(t)
	made := steps(1, 3)
	payloads, err := run.Progress(1, made)
	run = after(t, run, payloads, err)
	digest, err := DigestOf(made)
	if err != nil || digest != run.Digest {
		t.Fatal("the digest of the log is not the trainer's", err)
	}
	other, _ := DigestOf(steps(1, 2))
	completed := event.TrainingRunCompleted{Run: "r", Steps: 3, Digest: other, Artifact: "a"}
	if _, err := run.Complete(completed); err == nil {
		t.Error("it ended with other steps")
	}
	completed.Digest = digest
	payloads, err = run.Complete(completed)
	run = after(t, run, payloads, err)
	if _, err := run.Progress(4, steps(4, 1)); run.Status != Completed || err == nil {
		t.Error("a run that has ended went on")
	}
	if _, err := run.Fail(event.TrainingRunFailed{Steps: 3, Digest: digest}); err == nil {
		t.Error("a run that was completed failed")
	}
}

func TestACheckpointIsOfTheNewestStep(t *testing.T) {
	run := started(t)
	payloads, err := run.Progress(1, steps(1, 2))
	run = after(t, run, payloads, err)
	if _, err := run.SaveCheckpoint(event.TrainingCheckpointSaved{Step: 3}); err == nil {
		t.Error("a checkpoint of a step to come was saved")
	}
	run.Checkpoint = 2
	if again, err := run.SaveCheckpoint(event.TrainingCheckpointSaved{Step: 2}); len(again) > 0 || err != nil {
		t.Error("it was saved twice", err)
	}
}
