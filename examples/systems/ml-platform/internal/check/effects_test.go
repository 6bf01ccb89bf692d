package check

import (
	"testing"
	"time"

	quipu "quipu/client"
)

// said is a fact with an id, a cause and a payload.
func said(id, cause, eventType string, payload object) Fact {
	recorded := &quipu.RecordedEvent{ID: id, CausationID: cause, Type: eventType, Position: uint64(id[0])}
	return Fact{RecordedEvent: recorded, Said: payload, At: time.Unix(0, 0)}
}

func TestWhatHasNotFollowedOrTwiceIsFound(t *testing.T) {
	baselines := []any{object{"feature": "age", "mean": 10.0, "deviation": 1.0}}
	all := []Fact{
		said("a", "", "FeatureSetMaterialized", object{"feature_set": "s", "baselines": baselines}),
		said("b", "", "TrainingRunCompleted", nil),
		said("c", "b", "ModelRegistered", object{"model": "m", "feature_set": "s"}),
		said("d", "c", "ModelEvaluated", object{"passed": true}),
		said("e", "c", "ModelPromoted", nil),
		said("f", "", "PredictionsServed",
			object{"model": "m", "feature": "age", "unit": "imperial", "values": []any{5.0, 6.0}}),
		said("g", "f", "FeatureDriftDetected", nil),
	}
	pages := []string{"g"}
	if wrong := Effects(all, pages); len(wrong) > 0 {
		t.Error("all was right, but", wrong)
	}
	for _, i := range []int{2, 3, 4, 6} {
		without := append(append([]Fact{}, all[:i]...), all[i+1:]...)
		if len(Effects(without, pages)) == 0 {
			t.Error("nobody misses", all[i].Type)
		}
		if twice := append(append([]Fact{}, all...), all[i]); len(Effects(twice, pages)) == 0 {
			t.Error("nobody notices a second", all[i].Type)
		}
	}
	for _, pages := range [][]string{nil, {"g", "g"}, {"g", "x"}} {
		if len(Effects(all, pages)) != 1 {
			t.Error("the pages are wrong, but", Effects(all, pages))
		}
	}
}
