package model

import (
	"testing"

	"quipu/examples/ml-platform/internal/event"
)

func types(payloads []event.Payload) (types string) {
	for _, payload := range payloads {
		types += payload.EventType() + " "
	}
	return types
}

func TestAModelTakesEachStepOfItsLifeOnce(t *testing.T) {
	good, bad := event.ModelEvaluated{Passed: true}, event.ModelEvaluated{}
	for _, it := range []struct {
		stage    Stage
		decide   func(Model) ([]event.Payload, error)
		expected string
		refused  bool
	}{
		{Absent, func(m Model) ([]event.Payload, error) { return m.Register(event.ModelRegistered{}) },
			"ModelRegistered ", false},
		{Registered, func(m Model) ([]event.Payload, error) { return m.Register(event.ModelRegistered{}) }, "", false},
		{Absent, func(m Model) ([]event.Payload, error) { return m.Evaluate(good, "x") }, "", true},
		{Registered, func(m Model) ([]event.Payload, error) { return m.Evaluate(good, "x") },
			"ModelEvaluated ModelPromoted ", false},
		{Registered, func(m Model) ([]event.Payload, error) { return m.Evaluate(bad, "x") }, "ModelEvaluated ", false},
		{Production, func(m Model) ([]event.Payload, error) { return m.Evaluate(good, "x") }, "", false},
		{Production, func(m Model) ([]event.Payload, error) { return m.Retire("old") }, "ModelRetired ", false},
		{Retired, func(m Model) ([]event.Payload, error) { return m.Retire("old") }, "", false},
		{Rejected, func(m Model) ([]event.Payload, error) { return m.Retire("old") }, "", true},
	} {
		payloads, err := it.decide(Model{Stage: it.stage})
		if types(payloads) != it.expected || (err != nil) != it.refused {
			t.Errorf("%q: %s, %v; expected %s", it.stage, types(payloads), err, it.expected)
		}
	}
}
