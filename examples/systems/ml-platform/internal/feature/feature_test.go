package feature

import (
	"testing"

	"quipu/examples/ml-platform/internal/event"
)

func TestABatchFarFromItsBaselineHasDrifted(t *testing.T) {
	set := Set{Baselines: []event.Baseline{{Feature: "age", Mean: 40, Deviation: 5}}}
	for mean, expected := range map[float64]bool{40: false, 49: false, 51: true, 20: true} {
		served := event.PredictionsServed{Feature: "age", Batch: 1, Model: "m", Values: []float64{mean - 1, mean + 1}}
		if detected, has := set.Judge(served); has != expected || detected.Observed != mean {
			t.Errorf("a mean of %v: %v %v", mean, has, detected)
		}
	}
	if _, has := set.Judge(event.PredictionsServed{Feature: "height", Values: []float64{1000}}); has {
		t.Error("a feature that the set does not have has drifted")
	}
}

func TestADriftIsNotedOnceForABatch(t *testing.T) {
	known := Feature{Drifts: map[string]bool{"m/1": true}}
	for batch, expected := range map[int]int{1: 0, 2: 1} {
		payloads, err := known.Drift(event.FeatureDriftDetected{Model: "m", Batch: batch})
		if len(payloads) != expected || err != nil {
			t.Errorf("batch %d: %d events, %v", batch, len(payloads), err)
		}
	}
}
