package workload

// The driver: does what is planned, as fast as the platform answers. It may be run again: what is done is known.

import (
	"context"
	"fmt"
	"sync"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/data"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/feature"
	"quipu/examples/ml-platform/internal/inference"
	"quipu/examples/ml-platform/internal/model"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/training"
)

// stepsPerReport is how many steps a trainer tells of at a time.
const stepsPerReport = 25

// Drive does a plan: its lines side by side. The first failure ends it.
func Drive(ctx context.Context, platform *platform.Platform, plan Plan) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := prepare(ctx, platform, plan); err != nil {
		return err
	}
	var lines sync.WaitGroup
	for _, line := range plan.Lines {
		lines.Go(func() {
			for _, endeavour := range line {
				if err := (trial{platform, endeavour}).run(ctx); err != nil {
					cancel(fmt.Errorf("endeavour %s: %w", endeavour.Run, err))
					return
				}
			}
		})
	}
	lines.Wait()
	return context.Cause(ctx)
}

func prepare(ctx context.Context, platform *platform.Platform, plan Plan) error {
	for _, registered := range plan.Datasets {
		command := event.Command{ID: "dataset/" + registered.Dataset, At: begin}
		decide := func(dataset data.Dataset) ([]event.Payload, error) { return dataset.Register(registered) }
		if err := platform.Datasets.Do(ctx, registered.Dataset, command, decide); err != nil {
			return err
		}
	}
	for _, defined := range plan.Features {
		command := event.Command{ID: "feature/" + defined.Feature, At: begin}
		decide := func(feature feature.Feature) ([]event.Payload, error) { return feature.Define(defined) }
		if err := platform.Features.Do(ctx, defined.Feature, command, decide); err != nil {
			return err
		}
	}
	return nil
}

// trial is an endeavour under way.
type trial struct {
	*platform.Platform
	Endeavour
}

func (t trial) run(ctx context.Context) error {
	published, err := t.publish(ctx)
	if err != nil || !t.Checked.Passed {
		return err
	}
	materialized := t.command("materialize", published, time.Minute)
	decide := func(set feature.Set) ([]event.Payload, error) { return set.Materialize(t.Materialized) }
	if err := t.FeatureSets.Do(ctx, t.Run, materialized, decide); err != nil {
		return err
	}
	if err := t.train(ctx, materialized.EventID(0)); err != nil || t.Failure != "" {
		return err
	}
	isPromoted, err := t.awaitEvaluation(ctx)
	if err != nil || !isPromoted {
		return err
	}
	return t.serve(ctx)
}

// command asks for something within this endeavour, so long after its beginning.
func (t trial) command(what, cause string, after time.Duration) event.Command {
	return event.Command{
		ID: t.Run + "/" + what, Correlation: "endeavour-" + t.Run, Causation: cause,
		At: t.BeginsAt.Add(after), Tags: []string{"run:" + t.Run},
	}
}

// publish makes the data. That belongs to an ingestion of its own: others may use the same version.
func (t trial) publish(ctx context.Context) (eventID string, err error) {
	publish := t.command("publish", "", 0)
	publish.Correlation = fmt.Sprintf("ingestion-%s-v%d", t.Published.Dataset, t.Published.Number)
	err = t.Datasets.Do(ctx, t.Published.Dataset, publish, func(dataset data.Dataset) ([]event.Payload, error) {
		return dataset.Publish(t.Published)
	})
	if err != nil {
		return "", err
	}
	check := t.command("check", publish.EventID(0), time.Second)
	check.Correlation = publish.Correlation
	err = t.Datasets.Do(ctx, t.Published.Dataset, check, func(dataset data.Dataset) ([]event.Payload, error) {
		return dataset.Check(t.Checked)
	})
	return publish.EventID(0), err
}

func (t trial) train(ctx context.Context, cause string) error {
	start := t.command("start", cause, 2*time.Minute)
	err := t.Runs.Do(ctx, t.Run, start, func(run training.Run) ([]event.Payload, error) {
		return run.Start(t.Started)
	})
	if err != nil {
		return err
	}
	started := start.EventID(0)
	for first := 0; first < len(t.Steps); first += stepsPerReport {
		last := min(first+stepsPerReport, len(t.Steps))
		if err := t.report(ctx, started, first, last); err != nil {
			return err
		}
	}
	digest, err := training.DigestOf(t.Steps)
	if err != nil {
		return err
	}
	end := t.command("end", started, t.elapsed(len(t.Steps)+1))
	return t.Runs.Do(ctx, t.Run, end, func(run training.Run) ([]event.Payload, error) {
		if t.Failure != "" {
			return run.Fail(event.TrainingRunFailed{
				Run: t.Run, Steps: len(t.Steps), Digest: digest, Reason: t.Failure,
			})
		}
		return run.Complete(event.TrainingRunCompleted{
			Run: t.Run, Steps: len(t.Steps), Accuracy: t.Accuracy, Digest: digest,
			Artifact: "s3://artifacts/" + t.Run,
		})
	})
}

// report tells of the steps from first to last, exclusive, counted from 0, and saves a checkpoint where one is due.
func (t trial) report(ctx context.Context, cause string, first, last int) error {
	progress := t.command(fmt.Sprintf("steps-%d", first), cause, t.elapsed(first+1))
	progress.Every = stepDuration
	err := t.Runs.Do(ctx, t.Run, progress, func(run training.Run) ([]event.Payload, error) {
		return run.Progress(first+1, t.Steps[first:last])
	})
	if err != nil || last%checkpointEvery != 0 {
		return err
	}
	save := t.command(fmt.Sprintf("checkpoint-%d", last), cause, t.elapsed(last))
	return t.Runs.Do(ctx, t.Run, save, func(run training.Run) ([]event.Payload, error) {
		return run.SaveCheckpoint(event.TrainingCheckpointSaved{
			Step: last, URI: fmt.Sprintf("s3://checkpoints/%s/%d", t.Run, last), Checksum: t.Published.Checksum,
		})
	})
}

func (t trial) elapsed(steps int) time.Duration {
	return 2*time.Minute + time.Duration(steps)*stepDuration
}

// awaitEvaluation waits for what the registrar and the evaluator make of the run.
func (t trial) awaitEvaluation(ctx context.Context) (isPromoted bool, err error) {
	options := quipu.SubscribeStreamOptions{Types: []string{event.TypeModelEvaluated}}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for message, err := range t.Client.SubscribeStream(ctx, event.ModelStream(t.Run), options).Messages() {
		if err != nil {
			return false, err
		}
		if message.Event != nil {
			evaluated, err := event.Open[event.ModelEvaluated](message.Event)
			return evaluated.Passed, err
		}
	}
	return false, context.Cause(ctx)
}

func (t trial) serve(ctx context.Context) error {
	for i, served := range t.Served {
		after := t.elapsed(len(t.Steps)) + time.Duration(i+1)*time.Minute
		serve := t.command(fmt.Sprintf("serve-%d", served.Batch), "", after)
		err := t.Deployments.Do(ctx, t.Run, serve, func(used inference.Deployment) ([]event.Payload, error) {
			return used.Serve(served)
		})
		if err != nil {
			return err
		}
		learn := t.command(fmt.Sprintf("learn-%d", served.Batch), serve.EventID(0), after+time.Second)
		err = t.Deployments.Do(ctx, t.Run, learn, func(used inference.Deployment) ([]event.Payload, error) {
			return used.Learn(t.Feedback[i])
		})
		if err != nil {
			return err
		}
	}
	if t.Retired == "" {
		return nil
	}
	retire := t.command("retire", "", endeavourTakes*24)
	return t.Models.Do(ctx, t.Run, retire, func(model model.Model) ([]event.Payload, error) {
		return model.Retire(t.Retired)
	})
}
