package workload

// What happened before the platform was there, as the old system would export it.

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/history"
	"quipu/examples/ml-platform/internal/training"
)

const (
	pastSteps    = 30
	pastLifetime = 60 * 24 * time.Hour
)

// pastBegin is the business time of the first run of the old system.
var pastBegin = time.Date(2023, time.March, 1, 8, 0, 0, 0, time.UTC)

// Past makes an export of so many runs.
func Past(seed uint64, runs int) ([]history.Line, error) {
	lot := rand.New(rand.NewPCG(seed, 2))
	var lines []history.Line
	for number := range runs {
		past := pastRun{
			run: fmt.Sprintf("old-%s-%03d", families[number%len(families)], number), lot: lot,
			at: pastBegin.Add(time.Duration(number) * 10 * 24 * time.Hour),
		}
		if err := past.write(families[number%len(families)], number%5 == 4); err != nil {
			return nil, err
		}
		lines = append(lines, past.lines...)
	}
	return lines, nil
}

// pastRun is a run of the old system, whose trainers told a loss and nothing else.
type pastRun struct {
	run   string
	lot   *rand.Rand
	at    time.Time
	lines []history.Line
}

func (p *pastRun) write(family string, fails bool) error {
	code := codeAt(p.lot)
	started, err := p.say(event.RunStream(p.run), "", event.TrainingRunStarted{
		Run: p.run, Family: family, FeatureSet: p.run, Code: code,
		Hyperparameters: map[string]float64{"depth": 3}, PlannedSteps: pastSteps,
	})
	if err != nil {
		return err
	}
	var steps []event.Payload
	for i := range pastSteps {
		step := event.TrainingProgressedV1{Step: i + 1, Loss: 1/float64(i+1) + p.lot.Float64()/10}
		steps = append(steps, step)
		if _, err := p.say(event.RunStream(p.run), started, step); err != nil {
			return err
		}
	}
	digest, err := training.DigestOf(steps)
	if err != nil {
		return err
	}
	if fails {
		_, err := p.say(event.RunStream(p.run), started, event.TrainingRunFailed{
			Run: p.run, Steps: pastSteps, Digest: digest, Reason: "out of memory",
		})
		return err
	}
	return p.succeed(family, code, started, digest)
}

func (p *pastRun) succeed(family string, code event.Code, started, digest string) error {
	accuracy := 0.85 + p.lot.Float64()/10
	completed, err := p.say(event.RunStream(p.run), started, event.TrainingRunCompleted{
		Run: p.run, Steps: pastSteps, Accuracy: accuracy, Digest: digest, Artifact: "nfs://old/" + p.run,
	})
	if err != nil {
		return err
	}
	registered, err := p.say(event.ModelStream(p.run), completed, event.ModelRegistered{
		Model: p.run, Family: family, Run: p.run, FeatureSet: p.run, Code: code,
		Artifact: "nfs://old/" + p.run, Accuracy: accuracy,
	})
	if err != nil {
		return err
	}
	promoted, err := p.say(event.ModelStream(p.run), registered, event.ModelPromoted{
		Model: p.run, Stage: "production", ApprovedBy: "somebody",
	})
	if err != nil {
		return err
	}
	p.at = p.at.Add(pastLifetime)
	_, err = p.say(event.ModelStream(p.run), promoted, event.ModelRetired{Model: p.run, Reason: "replaced"})
	return err
}

// say writes a line and gives its key.
func (p *pastRun) say(stream, cause string, payload event.Payload) (key string, err error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	p.at = p.at.Add(stepDuration)
	key = fmt.Sprintf("%s#%d", p.run, len(p.lines))
	p.lines = append(p.lines, history.Line{
		Key: key, Stream: stream, Type: payload.EventType(), Version: payload.Version(), HappenedAt: p.at,
		Correlation: "old-" + p.run, Cause: cause, Payload: data,
	})
	return key, nil
}
