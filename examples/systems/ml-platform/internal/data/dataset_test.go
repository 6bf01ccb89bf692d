package data

import (
	"testing"

	"quipu/examples/ml-platform/internal/event"
)

func TestVersionsOfADatasetCountWithoutGaps(t *testing.T) {
	dataset := Dataset{ID: "d", Version: 2, Checked: 1}
	for number, expected := range map[int]string{2: "nothing", 3: "an event", 4: "refused"} {
		payloads, err := dataset.Publish(event.DatasetVersionPublished{Number: number})
		found := "nothing"
		if err != nil {
			found = "refused"
		} else if len(payloads) > 0 {
			found = "an event"
		}
		if found != expected {
			t.Errorf("version %d: %s, expected %s", number, found, expected)
		}
	}
	if payloads, err := dataset.Check(event.DatasetQualityChecked{Number: 2}); len(payloads) != 1 || err != nil {
		t.Error("the newest version can not be checked", err)
	}
	if _, err := dataset.Check(event.DatasetQualityChecked{Number: 3}); err == nil {
		t.Error("a version that is not there was checked")
	}
	if _, err := (Dataset{}).Publish(event.DatasetVersionPublished{Number: 1}); err == nil {
		t.Error("a dataset that is not there has a version")
	}
}
