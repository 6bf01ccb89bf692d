// Package inference decides what may happen when a model is used.
package inference

import (
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// Deployment is the state of a model's use.
type Deployment struct {
	Batches  int `json:"batches"`
	Feedback int `json:"feedback"`
}

// Apply folds an event into the state.
func Apply(deployment Deployment, recorded *quipu.RecordedEvent) (Deployment, error) {
	switch recorded.Type {
	case event.TypePredictionsServed:
		deployment.Batches++
	case event.TypePredictionFeedbackReceived:
		deployment.Feedback++
	}
	return deployment, nil
}

// Serve notes a batch of predictions. Batches count from 1 without gaps; one that is known changes nothing.
func (d Deployment) Serve(served event.PredictionsServed) ([]event.Payload, error) {
	switch {
	case served.Batch <= d.Batches:
		return nil, nil
	case served.Batch != d.Batches+1:
		return nil, event.Refused(fmt.Sprintf("model %s has served %d batches", served.Model, d.Batches))
	}
	return []event.Payload{served}, nil
}

// Learn notes how a batch's predictions came out, in the order of the batches.
func (d Deployment) Learn(received event.PredictionFeedbackReceived) ([]event.Payload, error) {
	switch {
	case received.Batch <= d.Feedback:
		return nil, nil
	case received.Batch != d.Feedback+1 || received.Batch > d.Batches:
		return nil, event.Refused(fmt.Sprintf("model %s has no such batch to be judged", received.Model))
	}
	return []event.Payload{received}, nil
}
