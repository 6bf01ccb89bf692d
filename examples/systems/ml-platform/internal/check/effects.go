package check

// Whether everything that had to follow from an event has followed, once.

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

const (
	driftScore    = 2
	inchesToUnits = 2.54
)

// effects are the events of the log, by what caused them.
type effects struct {
	wrong  []string
	caused map[string][]Fact
	sets   map[string]object
	models map[string]object
}

// Effects tells where something has not followed, or more than once, or where it should not have. Pages are the keys
// of those that have gone out.
func Effects(facts []Fact, pages []string) []string {
	e := effects{caused: map[string][]Fact{}, sets: map[string]object{}, models: map[string]object{}}
	for _, fact := range facts {
		e.caused[fact.CausationID] = append(e.caused[fact.CausationID], fact)
		switch fact.Type {
		case "FeatureSetMaterialized":
			e.sets[fact.Said["feature_set"].(string)] = fact.Said
		case "ModelRegistered":
			e.models[fact.Said["model"].(string)] = fact.Said
		}
	}
	toPage := map[string]int{}
	for _, fact := range facts {
		isPresent := fact.Metadata["source"] == ""
		switch fact.Type {
		case "TrainingRunCompleted":
			e.expect(fact, "ModelRegistered", 1)
		case "ModelRegistered":
			e.expect(fact, "ModelEvaluated", count(isPresent))
		case "ModelEvaluated":
			e.expectPromotion(fact)
		case "PredictionsServed":
			e.expect(fact, "FeatureDriftDetected", count(e.hasDrifted(fact.Said)))
		case "FeatureDriftDetected", "TrainingRunFailed":
			if isPresent {
				toPage[fact.ID]++
			}
		}
	}
	e.comparePages(toPage, pages)
	return e.wrong
}

// expect notes a cause that does not have so many effects of a type.
func (e *effects) expect(cause Fact, effect string, times int) {
	found := 0
	for _, fact := range e.caused[cause.ID] {
		if fact.Type == effect {
			found++
		}
	}
	if found != times {
		e.note("%s in %s has led to %d %s, expected %d", cause.Type, cause.Stream, found, effect, times)
	}
}

// expectPromotion looks for the promotion in the append of the evaluation: both have the same cause.
func (e *effects) expectPromotion(evaluated Fact) {
	found := 0
	for _, fact := range e.caused[evaluated.CausationID] {
		if fact.Type == "ModelPromoted" && fact.Position == evaluated.Position+1 {
			found++
		}
	}
	if found != count(evaluated.Said["passed"] == true) {
		e.note("the evaluation in %s has led to %d promotions", evaluated.Stream, found)
	}
}

func (e *effects) hasDrifted(served object) bool {
	model := e.models[served["model"].(string)]
	featureSet, _ := model["feature_set"].(string) // without a model there is none, which is noted elsewhere
	baselines, _ := e.sets[featureSet]["baselines"].([]any)
	for _, it := range baselines {
		if baseline := it.(object); baseline["feature"] == served["feature"] {
			mean := 0.0
			for _, value := range served["values"].([]any) {
				mean += value.(float64) / float64(len(served["values"].([]any)))
			}
			if served["unit"] == "imperial" {
				mean *= inchesToUnits
			}
			return math.Abs(mean-baseline["mean"].(float64)) > driftScore*baseline["deviation"].(float64)
		}
	}
	return false
}

func (e *effects) comparePages(expected map[string]int, sent []string) {
	found := map[string]int{}
	for _, key := range sent {
		found[key]++
		if expected[key] == 0 {
			e.note("page %s is about nothing", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(expected)) {
		if found[key] != 1 {
			e.note("event %s was paged about %d times", key, found[key])
		}
	}
}

func (e *effects) note(format string, values ...any) {
	e.wrong = append(e.wrong, fmt.Sprintf(format, values...))
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
