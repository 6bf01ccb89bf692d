package event

import (
	"errors"
	"testing"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/contract"
	"quipu/examples/ml-platform/internal/packing"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func recorded(sealed quipu.NewEvent) *quipu.RecordedEvent {
	return &quipu.RecordedEvent{
		ID: sealed.ID, Type: sealed.Type, Data: sealed.Data.([]byte), ContentType: sealed.ContentType,
		SchemaVersion: sealed.SchemaVersion, Metadata: sealed.Metadata, CorrelationID: sealed.CorrelationID,
		CausationID: sealed.CausationID, OccurredAt: sealed.OccurredAt, RecordedAt: noon.Add(time.Hour),
	}
}

func TestWhatIsSealedOpensAsItWas(t *testing.T) {
	said := PredictionsServed{Model: "m", Batch: 1, Feature: "age", Unit: "metric", Values: make([]float64, 1000)}
	sealed, err := Command{ID: "c", Correlation: "x", Causation: "y", At: noon}.Seal(said)
	if err != nil {
		t.Fatal(err)
	}
	if sealed[0].ContentType != packing.PackedJSON {
		t.Error("a thousand values were not packed")
	}
	opened, err := Open[PredictionsServed](recorded(sealed[0]))
	if err != nil || len(opened.Values) != 1000 || opened.Model != "m" {
		t.Error(opened, err)
	}
}

func TestACommandMakesTheSameEventsAgain(t *testing.T) {
	command := Command{ID: "c", At: noon, Every: time.Second}
	steps := []Payload{TrainingProgressedV1{Step: 1, Loss: 1}, TrainingProgressedV1{Step: 2, Loss: 1}}
	first, err := command.Seal(steps...)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := command.Seal(steps...)
	if first[0].ID != again[0].ID || first[1].ID != again[1].ID || first[0].ID == first[1].ID {
		t.Error(first[0].ID, first[1].ID, again[0].ID, again[1].ID)
	}
	if !first[1].OccurredAt.Equal(noon.Add(time.Second)) {
		t.Error("the second step happened at", first[1].OccurredAt)
	}
}

func TestAContractIsCheckedBeforeAnAppendAndOnReading(t *testing.T) {
	var violation *contract.Violation
	_, err := Command{ID: "c"}.Seal(TrainingRunFailed{Run: "r", Reason: "no digest"})
	if !errors.As(err, &violation) {
		t.Error("it was sealed", err)
	}
	bad := &quipu.RecordedEvent{Type: TypeModelRetired, Data: []byte(`{"model": "m"}`)}
	if _, err := Open[ModelRetired](bad); !errors.As(err, &violation) {
		t.Error("it was opened", err)
	}
}

func TestWhatFollowsFromAnEventSaysSo(t *testing.T) {
	history := Command{ID: "h", Correlation: "x", At: noon, Source: SourceHistory}
	sealed, err := history.Seal(ModelRetired{Model: "m", Reason: "old"})
	if err != nil {
		t.Fatal(err)
	}
	cause := recorded(sealed[0])
	command := CausedBy(cause, "notice")
	if command.Causation != cause.ID || command.Correlation != "x" || !command.At.Equal(noon) {
		t.Error(command)
	}
	if !IsHistory(cause) || command.Source != SourceHistory {
		t.Error("it is not known to be history")
	}
	if cause.OccurredAt = (time.Time{}); !HappenedAt(cause).Equal(cause.RecordedAt) {
		t.Error("without a business time it did not happen when it was recorded")
	}
}
