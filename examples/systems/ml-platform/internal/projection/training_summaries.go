// Package projection makes the read models: training summaries and the model catalogue.
package projection

import (
	"context"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

const (
	// TrainingSummaries is the name of the read model about runs.
	TrainingSummaries = "training-summaries"
	// Runs are its documents about one run each.
	Runs = "run"
	// Days are its documents about one day each, by business time.
	Days = "day"
)

// Summary is what is known of a run.
type Summary struct {
	Run          string     `json:"run"`
	Family       string     `json:"family"`
	FeatureSet   string     `json:"feature_set"`
	Commit       string     `json:"commit"`
	Status       string     `json:"status"`
	StartedAt    time.Time  `json:"started_at"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
	Seconds      float64    `json:"seconds"`
	PlannedSteps int        `json:"planned_steps"`
	Steps        int        `json:"steps"`
	LastLoss     float64    `json:"last_loss"`
	BestLoss     float64    `json:"best_loss"`
	BestStep     int        `json:"best_step"`
	LearningRate float64    `json:"learning_rate"`
	Accuracy     float64    `json:"accuracy"`
	Checkpoints  int        `json:"checkpoints"`
	Failure      string     `json:"failure,omitempty"`
	// StepsBy counts the steps by the handler that has dealt with them.
	StepsBy map[string]int `json:"steps_by"`
}

// Day is what happened in training on a day.
type Day struct {
	Day       string `json:"day"`
	Started   int    `json:"started"`
	Completed int    `json:"completed"`
	Failed    int    `json:"failed"`
	Steps     int    `json:"steps"`
}

var trainingEvents = quipu.OfTypes(event.TypeTrainingRunStarted, event.TypeTrainingProgressed,
	event.TypeTrainingCheckpointSaved, event.TypeTrainingRunCompleted, event.TypeTrainingRunFailed)

// projectTraining makes the training summaries. Steps are handled by the version of their shape: the exact one, the
// major one, and a default for shapes that nobody here knows.
func projectTraining(projector *quipu.Projector) {
	projector.On(event.TypeTrainingRunStarted, runStarted)
	projector.OnVersion(event.TypeTrainingProgressed, "1", step(oldStep))
	projector.OnVersion(event.TypeTrainingProgressed, "2", step(knownStep))
	projector.OnVersion(event.TypeTrainingProgressed, "2.1", step(annealedStep))
	projector.On(event.TypeTrainingProgressed, step(anyStep))
	projector.On(event.TypeTrainingCheckpointSaved, checkpointSaved)
	projector.On(event.TypeTrainingRunCompleted, runCompleted)
	projector.On(event.TypeTrainingRunFailed, runFailed)
}

func runStarted(ctx context.Context, recorded *quipu.RecordedEvent, tx *quipu.Tx) error {
	started, err := event.Open[event.TrainingRunStarted](recorded)
	if err != nil {
		return err
	}
	summary := Summary{
		Run: started.Run, Family: started.Family, FeatureSet: started.FeatureSet, Commit: started.Code.Commit,
		Status: "running", StartedAt: event.HappenedAt(recorded), PlannedSteps: started.PlannedSteps,
		StepsBy: map[string]int{},
	}
	if err := tx.Upsert(Runs, started.Run, summary); err != nil {
		return err
	}
	return changeDay(ctx, tx, recorded, func(day *Day) { day.Started++ })
}

// step makes a projection of a handler for steps of some version.
func step(handle func(recorded *quipu.RecordedEvent, summary *Summary) error) quipu.Projection {
	return func(ctx context.Context, recorded *quipu.RecordedEvent, tx *quipu.Tx) error {
		err := changeRun(ctx, tx, recorded, func(summary *Summary) error {
			summary.Steps++
			return handle(recorded, summary)
		})
		if err != nil {
			return err
		}
		return changeDay(ctx, tx, recorded, func(day *Day) { day.Steps++ })
	}
}

func oldStep(recorded *quipu.RecordedEvent, summary *Summary) error {
	made, err := event.Open[event.TrainingProgressedV1](recorded)
	summary.StepsBy["1"]++
	summary.note(made.Step, made.Loss)
	return err
}

func knownStep(recorded *quipu.RecordedEvent, summary *Summary) error {
	made, err := event.Open[event.TrainingProgressed](recorded)
	summary.StepsBy["2"]++
	summary.note(made.Step, made.Metrics.Loss)
	return err
}

func annealedStep(recorded *quipu.RecordedEvent, summary *Summary) error {
	made, err := event.Open[event.TrainingProgressedV21](recorded)
	summary.StepsBy["2.1"]++
	summary.note(made.Step, made.Metrics.Loss)
	summary.LearningRate = made.LearningRate
	return err
}

// anyStep takes what every shape has: that there was a step.
func anyStep(_ *quipu.RecordedEvent, summary *Summary) error {
	summary.StepsBy["default"]++
	return nil
}

func (s *Summary) note(step int, loss float64) {
	s.LastLoss = loss
	if s.BestStep == 0 || loss < s.BestLoss {
		s.BestLoss, s.BestStep = loss, step
	}
}

func checkpointSaved(ctx context.Context, recorded *quipu.RecordedEvent, tx *quipu.Tx) error {
	return changeRun(ctx, tx, recorded, func(summary *Summary) error {
		summary.Checkpoints++
		return nil
	})
}

func runCompleted(ctx context.Context, recorded *quipu.RecordedEvent, tx *quipu.Tx) error {
	completed, err := event.Open[event.TrainingRunCompleted](recorded)
	if err != nil {
		return err
	}
	err = changeRun(ctx, tx, recorded, func(summary *Summary) error {
		summary.end("completed", recorded)
		summary.Accuracy = completed.Accuracy
		return nil
	})
	if err != nil {
		return err
	}
	return changeDay(ctx, tx, recorded, func(day *Day) { day.Completed++ })
}

func runFailed(ctx context.Context, recorded *quipu.RecordedEvent, tx *quipu.Tx) error {
	failed, err := event.Open[event.TrainingRunFailed](recorded)
	if err != nil {
		return err
	}
	err = changeRun(ctx, tx, recorded, func(summary *Summary) error {
		summary.end("failed", recorded)
		summary.Failure = failed.Reason
		return nil
	})
	if err != nil {
		return err
	}
	return changeDay(ctx, tx, recorded, func(day *Day) { day.Failed++ })
}

func (s *Summary) end(status string, recorded *quipu.RecordedEvent) {
	at := event.HappenedAt(recorded)
	s.Status, s.EndedAt, s.Seconds = status, &at, at.Sub(s.StartedAt).Seconds()
}

// changeRun changes the summary of the run whose stream the event is in.
func changeRun(
	ctx context.Context, tx *quipu.Tx, recorded *quipu.RecordedEvent, change func(summary *Summary) error,
) error {
	return changeDocument(ctx, tx, Runs, recorded.Stream[len(event.RunStream("")):], change)
}

// changeDay changes the document of the day on which the event happened.
func changeDay(ctx context.Context, tx *quipu.Tx, recorded *quipu.RecordedEvent, change func(day *Day)) error {
	name := event.HappenedAt(recorded).UTC().Format(time.DateOnly)
	return changeDocument(ctx, tx, Days, name, func(day *Day) error {
		day.Day = name
		change(day)
		return nil
	})
}
