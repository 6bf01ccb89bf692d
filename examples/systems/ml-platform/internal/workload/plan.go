// Package workload is what the data scientists of a platform do all day, by a seed: endeavours, each of which means
// to bring forth a model. The same seed always gives the same plan.
package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/reactor"
)

const (
	datasets         = 4
	featuresPerSet   = 3
	stepsMin         = 30
	stepsMore        = 60
	checkpointEvery  = 50
	stepsPerEpoch    = 20
	batches          = 4
	rowsPerBatch     = 300
	stepDuration     = time.Second
	endeavourTakes   = time.Hour
	repository       = "git.example/models"
	nullShareAllowed = 0.09
)

// begin is the business time of the first endeavour.
var begin = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)

var (
	families = []string{"churn", "fraud", "demand", "ranking"}
	features = []string{"age", "tenure", "spend", "visits", "distance", "basket"}
)

// Plan is everything that will be asked for.
type Plan struct {
	// Datasets are registered first.
	Datasets []event.DatasetRegistered
	// Features are defined first.
	Features []event.FeatureDefined
	// Lines are endeavours by dataset, each to be done in its order; the lines go side by side.
	Lines [][]Endeavour
}

// Endeavour is the making of a model: data, features, training, use.
type Endeavour struct {
	// Run names the run and the model.
	Run string
	// BeginsAt is its business time.
	BeginsAt time.Time
	// Published, Checked and Materialized are about its data; an unfit version ends it.
	Published    event.DatasetVersionPublished
	Checked      event.DatasetQualityChecked
	Materialized event.FeatureSetMaterialized
	// Started, Steps, Accuracy and Failure are about its training. Failure is empty for a run that completes.
	Started  event.TrainingRunStarted
	Steps    []event.Payload
	Accuracy float64
	Failure  string
	// Served and Feedback are about its use, should it be promoted; then Retired says why it was retired, if it was.
	Served   []event.PredictionsServed
	Feedback []event.PredictionFeedbackReceived
	Retired  string
}

// NewPlan makes a plan of at least so many events, without those that the reactors add.
func NewPlan(seed uint64, events int) Plan {
	lot := rand.New(rand.NewPCG(seed, 1))
	plan := Plan{Lines: make([][]Endeavour, datasets)}
	for i := range datasets {
		plan.Datasets = append(plan.Datasets, event.DatasetRegistered{
			Dataset: datasetName(i), Owner: "team-" + families[i],
			Columns: map[string]string{"id": "text", "seen_at": "time", "value": "number"},
		})
	}
	for _, name := range features {
		plan.Features = append(plan.Features, event.FeatureDefined{
			Feature: name, Expression: "mean(" + name + ") over 30 days", Code: codeAt(lot),
		})
	}
	// The first run has a third of all events: thousands of steps where there are thousands of events.
	for number, planned := 0, datasets+len(features); planned < events; number++ {
		steps := stepsMin + lot.IntN(stepsMore)
		if number == 0 {
			steps = max(steps, events/3)
		}
		made := newEndeavour(lot, number, steps)
		line := number % datasets
		plan.Lines[line] = append(plan.Lines[line], made)
		planned += made.events()
	}
	return plan
}

// Events is how many events the plan comes to, without those of the reactors; more than will be there, since some
// models are not promoted.
func (p Plan) Events() int {
	events := len(p.Datasets) + len(p.Features)
	for _, line := range p.Lines {
		for _, endeavour := range line {
			events += endeavour.events()
		}
	}
	return events
}

func (e Endeavour) events() int {
	const data, run = 2, 3 // published and checked; materialized, started and ended
	if !e.Checked.Passed {
		return data
	}
	return data + run + len(e.Steps) + len(e.Steps)/checkpointEvery + len(e.Served) + len(e.Feedback)
}

func newEndeavour(lot *rand.Rand, number, steps int) Endeavour {
	line, version := number%datasets, number/datasets+1
	family := families[line]
	run := fmt.Sprintf("%s-%04d", family, number)
	made := Endeavour{
		Run: run, BeginsAt: begin.Add(time.Duration(number) * endeavourTakes),
		Published: event.DatasetVersionPublished{
			Dataset: datasetName(line), Number: version, Rows: 10_000 + lot.IntN(90_000),
			URI: fmt.Sprintf("s3://lake/%s/v%d", datasetName(line), version), Checksum: checksum(lot),
		},
		Accuracy: 0.80 + 0.19*lot.Float64(),
	}
	nullShare := lot.Float64() / 10
	made.Checked = event.DatasetQualityChecked{
		Dataset: datasetName(line), Number: version, NullShare: nullShare,
		Passed: number == 0 || nullShare <= nullShareAllowed,
	}
	made.Materialized = event.FeatureSetMaterialized{
		FeatureSet: run, Dataset: datasetName(line), DatasetVersion: version, Rows: made.Published.Rows,
	}
	for _, at := range lot.Perm(len(features))[:featuresPerSet] {
		made.Materialized.Baselines = append(made.Materialized.Baselines, event.Baseline{
			Feature: features[at], Mean: 10 + 90*lot.Float64(), Deviation: 1 + 4*lot.Float64(),
		})
	}
	made.Started = event.TrainingRunStarted{
		Run: run, Family: family, FeatureSet: run, Code: codeAt(lot),
		Hyperparameters: map[string]float64{"learning_rate": 0.01, "depth": float64(2 + lot.IntN(8))},
		PlannedSteps:    steps,
	}
	if number > 0 && lot.IntN(6) == 0 {
		steps = 1 + lot.IntN(steps)
		made.Failure = fmt.Sprintf("the loss diverged at step %d", steps)
	}
	made.Steps = newSteps(lot, number, steps)
	made.use(lot, number)
	return made
}

// newSteps makes steps of the trainer that this endeavour uses: most use today's, some the one that changes its
// learning rate, a few the preview of the next.
func newSteps(lot *rand.Rand, number, count int) []event.Payload {
	steps := make([]event.Payload, count)
	for i := range steps {
		loss := 2*math.Exp(-float64(i)/float64(count)*3) + lot.Float64()/5
		known := event.TrainingProgressed{
			Step: i + 1, Epoch: i/stepsPerEpoch + 1,
			Metrics: event.Metrics{Loss: loss, Accuracy: 1 / (1 + loss)},
		}
		switch {
		case number%7 == 3:
			steps[i] = event.TrainingProgressedPreview{
				Step: i + 1, Losses: map[string]float64{"main": loss}, Devices: 1 + lot.IntN(8),
			}
		case number%3 == 1:
			steps[i] = event.TrainingProgressedV21{TrainingProgressed: known, LearningRate: 0.01 / float64(1+i/10)}
		default:
			steps[i] = known
		}
	}
	return steps
}

// use plans the batches that are served, of which some have drifted and some come in another unit.
func (e *Endeavour) use(lot *rand.Rand, number int) {
	leading := e.Materialized.Baselines[0]
	for batch := range batches {
		served := event.PredictionsServed{
			Model: e.Run, Batch: batch + 1, Feature: leading.Feature, Unit: reactor.Metric,
		}
		shift, factor := 0.0, 1.0
		if lot.IntN(5) == 0 {
			shift = 4 * leading.Deviation
		}
		if batch == 1 && number%2 == 0 {
			served.Unit, factor = "imperial", 1/reactor.WithImperial()["imperial"]
		}
		for range rowsPerBatch {
			value := leading.Mean + shift + (lot.Float64()-0.5)*leading.Deviation
			served.Values = append(served.Values, math.Round(value*factor*1000)/1000)
		}
		right := lot.IntN(rowsPerBatch)
		e.Served = append(e.Served, served)
		e.Feedback = append(e.Feedback, event.PredictionFeedbackReceived{
			Model: e.Run, Batch: batch + 1, Right: right, Wrong: rowsPerBatch - right,
		})
	}
	if lot.IntN(3) == 0 {
		e.Retired = "a better model is there"
	}
}

func datasetName(number int) string { return families[number] + "-facts" }

func codeAt(lot *rand.Rand) event.Code {
	return event.Code{Repository: repository, Commit: checksum(lot)[:40]}
}

func checksum(lot *rand.Rand) string {
	sum := sha256.Sum256(fmt.Append(nil, lot.Uint64()))
	return hex.EncodeToString(sum[:])
}
