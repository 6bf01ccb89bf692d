// Package check finds out whether the platform has come to the right result: by a fold of the log that shares
// nothing with the projections, and by following every cause to its effect.
package check

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"time"

	quipu "quipu/client"
)

type object = map[string]any

// Fact is an event as the fold sees it: plain, unpacked, without any knowledge of its type.
type Fact struct {
	*quipu.RecordedEvent
	// Said is the payload.
	Said object
	// At is the business time.
	At time.Time
}

// Documents are documents by `model/type/id`.
type Documents map[string]object

// FactOf unpacks an event.
func FactOf(recorded *quipu.RecordedEvent) (Fact, error) {
	data, at := recorded.Data, recorded.OccurredAt
	if recorded.ContentType == "application/json+gzip" {
		reader, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return Fact{}, err
		}
		if data, err = io.ReadAll(reader); err != nil {
			return Fact{}, err
		}
	}
	if at.IsZero() {
		at = recorded.RecordedAt
	}
	fact := Fact{RecordedEvent: recorded, At: at}
	return fact, json.Unmarshal(data, &fact.Said)
}

// Fold makes of the facts what the read models must hold.
func Fold(facts []Fact) Documents {
	documents := Documents{}
	for _, fact := range facts {
		documents.training(fact)
		documents.parts(fact)
		documents.models(fact)
	}
	return documents
}

func (d Documents) training(fact Fact) {
	day := "training-summaries/day/" + fact.At.Format(time.DateOnly)
	count := func(what string) {
		d.make(day, "day", fact.At.Format(time.DateOnly), "started", "completed", "failed", "steps")
		d[day][what] = d.number(day, what) + 1
	}
	run := "training-summaries/run/" + after(fact.Stream)
	switch fact.Type {
	case "TrainingRunStarted":
		made := d.make(run, "run", fact.Said["run"], "seconds", "steps", "last_loss", "best_loss", "best_step",
			"learning_rate", "accuracy", "checkpoints")
		copyTo(made, fact.Said, "family", "feature_set", "planned_steps")
		made["commit"] = fact.Said["code"].(object)["commit"]
		made["status"], made["started_at"], made["steps_by"] = "running", stamp(fact.At), object{}
		count("started")
	case "TrainingProgressed":
		d.step(d[run], fact)
		count("steps")
	case "TrainingCheckpointSaved":
		d[run]["checkpoints"] = d[run]["checkpoints"].(float64) + 1
	case "TrainingRunCompleted":
		d.end(d[run], fact, "completed")
		d[run]["accuracy"] = fact.Said["accuracy"]
		count("completed")
	case "TrainingRunFailed":
		d.end(d[run], fact, "failed")
		d[run]["failure"] = fact.Said["reason"]
		count("failed")
	}
}

func (d Documents) step(run object, fact Fact) {
	handler := map[string]string{"1": "1", "2.0": "2", "2.1": "2.1", "3.0": "default"}[fact.SchemaVersion]
	by := run["steps_by"].(object)
	known, _ := by[handler].(float64)
	by[handler] = known + 1
	run["steps"] = run["steps"].(float64) + 1
	loss, isKnown := fact.Said["loss"].(float64)
	if metrics, ok := fact.Said["metrics"].(object); ok {
		loss, isKnown = metrics["loss"].(float64)
	}
	if !isKnown {
		return
	}
	run["last_loss"] = loss
	if run["best_step"] == 0.0 || loss < run["best_loss"].(float64) {
		run["best_loss"], run["best_step"] = loss, fact.Said["step"]
	}
	if fact.SchemaVersion == "2.1" {
		run["learning_rate"] = fact.Said["learning_rate"]
	}
}

func (d Documents) end(run object, fact Fact, status string) {
	started, _ := time.Parse(time.RFC3339Nano, run["started_at"].(string)) // written above
	run["status"], run["ended_at"], run["seconds"] = status, stamp(fact.At), fact.At.Sub(started).Seconds()
}

// parts are what models are made of.
func (d Documents) parts(fact Fact) {
	dataset := fmt.Sprint("model-catalogue/dataset/", fact.Said["dataset"])
	switch fact.Type {
	case "DatasetRegistered":
		d.make(dataset, "dataset", fact.Said["dataset"], "versions", "rows", "checks", "failed_checks")
		d[dataset]["owner"] = fact.Said["owner"]
	case "DatasetVersionPublished":
		d[dataset]["versions"], d[dataset]["rows"] = d.number(dataset, "versions")+1, fact.Said["rows"]
	case "DatasetQualityChecked":
		d[dataset]["checks"] = d.number(dataset, "checks") + 1
		if fact.Said["passed"] == false {
			d[dataset]["failed_checks"] = d.number(dataset, "failed_checks") + 1
		}
	case "FeatureDefined":
		d.feature(fact.Said["feature"])["commit"] = fact.Said["code"].(object)["commit"]
	case "FeatureSetMaterialized":
		for _, baseline := range fact.Said["baselines"].([]any) {
			feature := d.feature(baseline.(object)["feature"])
			feature["sets"] = feature["sets"].(float64) + 1
		}
	case "FeatureDriftDetected":
		feature := d.feature(fact.Said["feature"])
		feature["drifts"], feature["last_score"] = feature["drifts"].(float64)+1, fact.Said["score"]
	}
}

func (d Documents) feature(name any) object {
	feature := d.make(fmt.Sprint("model-catalogue/feature/", name), "feature", name, "sets", "drifts", "last_score")
	if feature["commit"] == nil {
		feature["commit"] = ""
	}
	return feature
}

func (d Documents) models(fact Fact) {
	key := "model-catalogue/model/" + after(fact.Stream)
	model := d[key]
	switch fact.Type {
	case "ModelRegistered":
		model = d.make(key, "model", fact.Said["model"], "accuracy_in_evaluation", "slices", "batches", "rows",
			"right", "wrong")
		copyTo(model, fact.Said, "family", "run", "feature_set")
		model["commit"], model["stage"] = fact.Said["code"].(object)["commit"], "registered"
		model["accuracy_in_training"] = fact.Said["accuracy"]
		d.countFamily(model, "registered")
	case "ModelEvaluated":
		model["accuracy_in_evaluation"] = fact.Said["accuracy"]
		model["slices"] = float64(len(fact.Said["slices"].([]any)))
		if fact.Said["passed"] == false {
			model["stage"] = "rejected"
		}
	case "ModelPromoted":
		model["stage"], model["promoted_at"] = "production", stamp(fact.At)
		d.countFamily(model, "promoted")
	case "ModelRetired":
		model["stage"], model["retired_at"] = "retired", stamp(fact.At)
		d.countFamily(model, "retired")
	case "PredictionsServed":
		model["batches"] = model["batches"].(float64) + 1
		model["rows"] = model["rows"].(float64) + float64(len(fact.Said["values"].([]any)))
	case "PredictionFeedbackReceived":
		model["right"] = model["right"].(float64) + fact.Said["right"].(float64)
		model["wrong"] = model["wrong"].(float64) + fact.Said["wrong"].(float64)
	}
}

func (d Documents) countFamily(model object, what string) {
	family := fmt.Sprint("model-catalogue/family/", model["family"])
	d.make(family, "family", model["family"], "registered", "promoted", "retired")
	d[family][what] = d.number(family, what) + 1
}

// make gives a document, with its name and with zeros if it is new.
func (d Documents) make(key, name string, id any, zeros ...string) object {
	if d[key] == nil {
		d[key] = object{name: id}
		for _, zero := range zeros {
			d[key][zero] = 0.0
		}
	}
	return d[key]
}

func (d Documents) number(key, field string) float64 {
	number, _ := d[key][field].(float64)
	return number
}

func copyTo(document, from object, fields ...string) {
	for _, field := range fields {
		document[field] = from[field]
	}
}

// after gives a stream's name without its category.
func after(stream string) string {
	for i, letter := range stream {
		if letter == '-' {
			return stream[i+1:]
		}
	}
	return stream
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
