// Package model decides what may happen to a model, from its registration to its retirement.
package model

import (
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// Stage is how far a model has come.
type Stage string

// What a model can be.
const (
	Absent     Stage = ""
	Registered Stage = "registered"
	Rejected   Stage = "rejected"
	Production Stage = "production"
	Retired    Stage = "retired"
)

// Model is the state of a model.
type Model struct {
	Stage      Stage  `json:"stage"`
	ID         string `json:"id"`
	Family     string `json:"family"`
	Run        string `json:"run"`
	FeatureSet string `json:"feature_set"`
}

// Apply folds an event into the state.
func Apply(model Model, recorded *quipu.RecordedEvent) (Model, error) {
	switch recorded.Type {
	case event.TypeModelRegistered:
		registered, err := event.Open[event.ModelRegistered](recorded)
		return Model{Registered, registered.Model, registered.Family, registered.Run, registered.FeatureSet}, err
	case event.TypeModelEvaluated:
		evaluated, err := event.Open[event.ModelEvaluated](recorded)
		if !evaluated.Passed {
			model.Stage = Rejected
		}
		return model, err
	case event.TypeModelPromoted:
		model.Stage = Production
	case event.TypeModelRetired:
		model.Stage = Retired
	}
	return model, nil
}

// Register notes that there is a model. Again, it changes nothing.
func (m Model) Register(registered event.ModelRegistered) ([]event.Payload, error) {
	if m.Stage != Absent {
		return nil, nil
	}
	return []event.Payload{registered}, nil
}

// Evaluate notes how good a model is; one that is good enough is promoted in the same append, so that nobody ever
// sees the one without the other. A model is evaluated once.
func (m Model) Evaluate(evaluated event.ModelEvaluated, approvedBy string) ([]event.Payload, error) {
	switch {
	case m.Stage == Absent:
		return nil, event.Refused("there is no such model")
	case m.Stage != Registered:
		return nil, nil
	case !evaluated.Passed:
		return []event.Payload{evaluated}, nil
	}
	promoted := event.ModelPromoted{Model: m.ID, Stage: string(Production), ApprovedBy: approvedBy}
	return []event.Payload{evaluated, promoted}, nil
}

// Retire takes a model out of use.
func (m Model) Retire(reason string) ([]event.Payload, error) {
	switch m.Stage {
	case Retired:
		return nil, nil
	case Production:
		return []event.Payload{event.ModelRetired{Model: m.ID, Reason: reason}}, nil
	}
	return nil, event.Refused(fmt.Sprintf("model %s is %q, not in production", m.ID, m.Stage))
}
