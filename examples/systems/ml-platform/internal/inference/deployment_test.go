package inference

import (
	"testing"

	"quipu/examples/ml-platform/internal/event"
)

func TestBatchesAreServedAndJudgedInOrderAndOnce(t *testing.T) {
	used := Deployment{Batches: 2, Feedback: 1}
	for batch, expected := range map[int]int{2: 0, 3: 1} {
		payloads, err := used.Serve(event.PredictionsServed{Batch: batch})
		if len(payloads) != expected || err != nil {
			t.Errorf("batch %d: %d events, %v", batch, len(payloads), err)
		}
	}
	for batch, expected := range map[int]int{1: 0, 2: 1} {
		payloads, err := used.Learn(event.PredictionFeedbackReceived{Batch: batch})
		if len(payloads) != expected || err != nil {
			t.Errorf("feedback for batch %d: %d events, %v", batch, len(payloads), err)
		}
	}
	if _, err := used.Serve(event.PredictionsServed{Batch: 4}); err == nil {
		t.Error("a batch was left out")
	}
	used.Feedback = 2
	if _, err := used.Learn(event.PredictionFeedbackReceived{Batch: 3}); err == nil {
		t.Error("a batch was judged that was not served")
	}
}
