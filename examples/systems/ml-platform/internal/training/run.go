package training

// The state of a training run, as far as decisions need it.

import (
	"encoding/json"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// Status is how far a run is.
type Status string

// What a run can be.
const (
	Absent    Status = ""
	Running   Status = "running"
	Completed Status = "completed"
	Failed    Status = "failed"
)

// Run is the state of a run.
type Run struct {
	Status     Status     `json:"status"`
	ID         string     `json:"id"`
	Family     string     `json:"family"`
	FeatureSet string     `json:"feature_set"`
	Code       event.Code `json:"code"`
	Steps      int        `json:"steps"`
	Digest     string     `json:"digest"`
	Checkpoint int        `json:"checkpoint"`
}

// Apply folds an event into the state.
func Apply(run Run, recorded *quipu.RecordedEvent) (Run, error) {
	switch recorded.Type {
	case event.TypeTrainingRunStarted:
		started, err := event.Open[event.TrainingRunStarted](recorded)
		run.Status, run.ID, run.Family = Running, started.Run, started.Family
		run.FeatureSet, run.Code = started.FeatureSet, started.Code
		return run, err
	case event.TypeTrainingProgressed:
		step, err := event.Raw(recorded)
		run.Steps++
		run.Digest = Digest(run.Digest, step)
		return run, err
	case event.TypeTrainingCheckpointSaved:
		saved, err := event.Open[event.TrainingCheckpointSaved](recorded)
		run.Checkpoint = saved.Step
		return run, err
	case event.TypeTrainingRunCompleted:
		run.Status = Completed
	case event.TypeTrainingRunFailed:
		run.Status = Failed
	}
	return run, nil
}

// Start begins a run. Again, it changes nothing.
func (r Run) Start(started event.TrainingRunStarted) ([]event.Payload, error) {
	if r.Status != Absent {
		return nil, nil
	}
	return []event.Payload{started}, nil
}

// Progress tells of steps, of which the first has the number first. Again, it changes nothing.
func (r Run) Progress(first int, steps []event.Payload) ([]event.Payload, error) {
	switch {
	case first+len(steps)-1 <= r.Steps:
		return nil, nil
	case r.Status != Running:
		return nil, event.Refused(fmt.Sprintf("run %s is %q and makes no progress", r.ID, r.Status))
	case first != r.Steps+1:
		return nil, event.Refused(fmt.Sprintf("run %s is at step %d and can not go on with %d", r.ID, r.Steps, first))
	}
	return steps, nil
}

// SaveCheckpoint notes that the run can be gone on with from a step.
func (r Run) SaveCheckpoint(saved event.TrainingCheckpointSaved) ([]event.Payload, error) {
	switch {
	case saved.Step <= r.Checkpoint:
		return nil, nil
	case r.Status != Running || saved.Step != r.Steps:
		return nil, event.Refused(fmt.Sprintf("run %s is at step %d, not at %d", r.ID, r.Steps, saved.Step))
	}
	return []event.Payload{saved}, nil
}

// Complete ends a run well, if the log has the very steps that the trainer has made.
func (r Run) Complete(completed event.TrainingRunCompleted) ([]event.Payload, error) {
	if r.Status == Completed {
		return nil, nil
	}
	if err := r.mayEnd(completed.Steps, completed.Digest); err != nil {
		return nil, err
	}
	return []event.Payload{completed}, nil
}

// Fail ends a run badly, likewise.
func (r Run) Fail(failed event.TrainingRunFailed) ([]event.Payload, error) {
	if r.Status == Failed {
		return nil, nil
	}
	if err := r.mayEnd(failed.Steps, failed.Digest); err != nil {
		return nil, err
	}
	return []event.Payload{failed}, nil
}

func (r Run) mayEnd(steps int, digest string) error {
	switch {
	case r.Status != Running:
		return event.Refused(fmt.Sprintf("run %s is %q and can not end", r.ID, r.Status))
	case steps != r.Steps || digest != r.Digest:
		return event.Refused(fmt.Sprintf("run %s has %d steps in the log that are not the trainer's %d", r.ID,
			r.Steps, steps))
	}
	return nil
}

// DigestOf is the digest of a run's steps by the trainer's own count, before anything is appended.
func DigestOf(steps []event.Payload) (string, error) {
	digest := NoSteps
	for _, step := range steps {
		data, err := json.Marshal(step)
		if err != nil {
			return "", err
		}
		digest = Digest(digest, data)
	}
	return digest, nil
}
