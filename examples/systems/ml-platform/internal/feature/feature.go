// Package feature decides what may happen to features, and to the sets that are computed of them.
package feature

import (
	"math"
	"strconv"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// driftScore is by how many deviations a batch's mean may differ from the baseline.
const driftScore = 2

// Feature is the state of a feature.
type Feature struct {
	ID string `json:"id"`
	// Drifts are the batches for which a drift was detected.
	Drifts map[string]bool `json:"drifts"`
}

// Set is the state of a set of features.
type Set struct {
	ID             string           `json:"id"`
	Dataset        string           `json:"dataset"`
	DatasetVersion int              `json:"dataset_version"`
	Baselines      []event.Baseline `json:"baselines"`
}

// Apply folds an event into the state of a feature.
func Apply(feature Feature, recorded *quipu.RecordedEvent) (Feature, error) {
	switch recorded.Type {
	case event.TypeFeatureDefined:
		defined, err := event.Open[event.FeatureDefined](recorded)
		feature.ID = defined.Feature
		return feature, err
	case event.TypeFeatureDriftDetected:
		detected, err := event.Open[event.FeatureDriftDetected](recorded)
		if feature.Drifts == nil {
			feature.Drifts = map[string]bool{}
		}
		feature.Drifts[batchKey(detected)] = true
		return feature, err
	}
	return feature, nil
}

// ApplySet folds an event into the state of a set.
func ApplySet(set Set, recorded *quipu.RecordedEvent) (Set, error) {
	if recorded.Type != event.TypeFeatureSetMaterialized {
		return set, nil
	}
	made, err := event.Open[event.FeatureSetMaterialized](recorded)
	return Set{made.FeatureSet, made.Dataset, made.DatasetVersion, made.Baselines}, err
}

// Define notes how a feature is computed. Again, it changes nothing.
func (f Feature) Define(defined event.FeatureDefined) ([]event.Payload, error) {
	if f.ID != "" {
		return nil, nil
	}
	return []event.Payload{defined}, nil
}

// Drift notes a drift, once for each batch.
func (f Feature) Drift(detected event.FeatureDriftDetected) ([]event.Payload, error) {
	if f.Drifts[batchKey(detected)] {
		return nil, nil
	}
	return []event.Payload{detected}, nil
}

// Materialize notes that a set was computed, once.
func (s Set) Materialize(made event.FeatureSetMaterialized) ([]event.Payload, error) {
	if s.ID != "" {
		return nil, nil
	}
	return []event.Payload{made}, nil
}

// Judge compares a batch of values with the baseline of its feature. False: it has not drifted, or the set does not
// have this feature.
func (s Set) Judge(served event.PredictionsServed) (event.FeatureDriftDetected, bool) {
	for _, baseline := range s.Baselines {
		if baseline.Feature != served.Feature {
			continue
		}
		sum := 0.0
		for _, value := range served.Values {
			sum += value
		}
		observed := sum / float64(len(served.Values))
		score := math.Abs(observed-baseline.Mean) / baseline.Deviation
		return event.FeatureDriftDetected{
			Feature: served.Feature, Model: served.Model, Batch: served.Batch,
			Baseline: baseline.Mean, Observed: observed, Score: score,
		}, score > driftScore
	}
	return event.FeatureDriftDetected{}, false
}

func batchKey(detected event.FeatureDriftDetected) string {
	return detected.Model + "/" + strconv.Itoa(detected.Batch)
}
