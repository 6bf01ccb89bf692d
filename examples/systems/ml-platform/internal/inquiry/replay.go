package inquiry

// The replay of a training run: every step as it was, in its order, and the proof that none is missing or changed.

import (
	"context"
	"encoding/json"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/training"
)

// Step is a step of a run.
type Step struct {
	// Number counts from 1.
	Number int
	// Version is the version of its shape.
	Version string
	// Payload is what the trainer said, to the byte.
	Payload json.RawMessage
}

// Replayed is what a replay came to.
type Replayed struct {
	// Started is how the run began.
	Started event.TrainingRunStarted
	// Status is how it ended, or that it has not.
	Status training.Status
	// Steps is how many there were.
	Steps int
	// Digest is that of the steps as they were replayed.
	Digest string
	// Told is the digest that the trainer told at the end. Empty: the run has not ended.
	Told string
}

// IsExact tells whether the steps replayed are those that the trainer made.
func (r Replayed) IsExact() bool { return r.Told != "" && r.Told == r.Digest }

// ReplayRun gives a run's steps to each, from its start, and tells what it came to. It fails where a step is missing
// or out of order.
func ReplayRun(
	ctx context.Context, client *quipu.Client, run string, each func(step Step) error,
) (Replayed, error) {
	var replayed Replayed
	next := uint64(0)
	for recorded, err := range client.ReadStream(ctx, event.RunStream(run), quipu.ReadStreamOptions{}).Events() {
		if err != nil {
			return replayed, err
		}
		if recorded.Revision != next {
			return replayed, fmt.Errorf("run %s goes on at revision %d instead of %d", run, recorded.Revision, next)
		}
		next++
		if err := replayed.take(recorded, each); err != nil {
			return replayed, fmt.Errorf("run %s: %w", run, err)
		}
	}
	return replayed, nil
}

func (r *Replayed) take(recorded *quipu.RecordedEvent, each func(step Step) error) error {
	payload, err := event.Raw(recorded)
	if err != nil {
		return err
	}
	switch recorded.Type {
	case event.TypeTrainingRunStarted:
		r.Status = training.Running
		return json.Unmarshal(payload, &r.Started)
	case event.TypeTrainingProgressed:
		return r.step(Step{Version: recorded.Version(), Payload: payload}, each)
	case event.TypeTrainingRunCompleted:
		r.Status = training.Completed
	case event.TypeTrainingRunFailed:
		r.Status = training.Failed
	default:
		return nil
	}
	var end struct{ Digest string }
	err = json.Unmarshal(payload, &end)
	r.Told = end.Digest
	return err
}

func (r *Replayed) step(step Step, each func(step Step) error) error {
	var numbered struct{ Step int }
	if err := json.Unmarshal(step.Payload, &numbered); err != nil {
		return err
	}
	r.Steps++
	if numbered.Step != r.Steps {
		return fmt.Errorf("step %d comes where step %d should be", numbered.Step, r.Steps)
	}
	step.Number = numbered.Step
	r.Digest = training.Digest(r.Digest, step.Payload)
	return each(step)
}
