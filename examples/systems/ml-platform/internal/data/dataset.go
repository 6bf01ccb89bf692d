// Package data decides what may happen to a dataset.
package data

import (
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// Dataset is the state of a dataset.
type Dataset struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Checked int    `json:"checked"`
}

// Apply folds an event into the state.
func Apply(dataset Dataset, recorded *quipu.RecordedEvent) (Dataset, error) {
	switch recorded.Type {
	case event.TypeDatasetRegistered:
		registered, err := event.Open[event.DatasetRegistered](recorded)
		dataset.ID = registered.Dataset
		return dataset, err
	case event.TypeDatasetVersionPublished:
		published, err := event.Open[event.DatasetVersionPublished](recorded)
		dataset.Version = published.Number
		return dataset, err
	case event.TypeDatasetQualityChecked:
		checked, err := event.Open[event.DatasetQualityChecked](recorded)
		dataset.Checked = checked.Number
		return dataset, err
	}
	return dataset, nil
}

// Register notes that there is a dataset. Again, it changes nothing.
func (d Dataset) Register(registered event.DatasetRegistered) ([]event.Payload, error) {
	if d.ID != "" {
		return nil, nil
	}
	return []event.Payload{registered}, nil
}

// Publish adds a version. Versions count from 1 without gaps; one that is there already stays as it is.
func (d Dataset) Publish(published event.DatasetVersionPublished) ([]event.Payload, error) {
	switch {
	case d.ID == "":
		return nil, event.Refused("there is no such dataset")
	case published.Number <= d.Version:
		return nil, nil
	case published.Number != d.Version+1:
		return nil, event.Refused(fmt.Sprintf("dataset %s is at version %d", d.ID, d.Version))
	}
	return []event.Payload{published}, nil
}

// Check notes the quality of the newest version, once.
func (d Dataset) Check(checked event.DatasetQualityChecked) ([]event.Payload, error) {
	switch {
	case checked.Number <= d.Checked:
		return nil, nil
	case checked.Number != d.Version:
		return nil, event.Refused(fmt.Sprintf("dataset %s is at version %d", d.ID, d.Version))
	}
	return []event.Payload{checked}, nil
}
