package main

// The counts: made by the projector, and again by a plain pass over the log.

import (
	"context"
	"errors"

	quipu "quipu/client"
	"quipu/client/campaigns/internal/campaign"
)

const model = "counts"

// tally is a document: how many events, and the sum of their numbers, which tells a lost one and a repeated one
// apart from none of both.
type tally struct {
	Events int `json:"events"`
	Sum    int `json:"sum"`
}

// all is the key of the tally of all events.
var all = quipu.DocumentKey{Type: "all", ID: "events"}

// keysOf are the tallies that an event counts in.
func keysOf(event *quipu.RecordedEvent) []quipu.DocumentKey {
	return []quipu.DocumentKey{all, {Type: "type", ID: event.Type}, {Type: "stream", ID: event.Stream}}
}

// project is the projector's process.
func project(ctx context.Context, address string) error {
	client, err := campaign.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // nothing is under way any more
	projector := quipu.NewProjector(client, model, quipu.ProjectorOptions{BatchSize: 50})
	for _, eventType := range eventTypes {
		projector.On(eventType, count)
	}
	return projector.Run(ctx)
}

func count(ctx context.Context, event *quipu.RecordedEvent, tx *quipu.Tx) error {
	var payload said
	if err := event.Decode(&payload); err != nil {
		return err
	}
	for _, key := range keysOf(event) {
		var counted tally
		if _, err := tx.Get(ctx, key.Type, key.ID, &counted); err != nil {
			return err
		}
		counted.Events++
		counted.Sum += payload.Number
		if err := tx.Upsert(key.Type, key.ID, counted); err != nil {
			return err
		}
	}
	return nil
}

// position is where the read model is.
func (t *trial) position(ctx context.Context) (uint64, error) {
	generations, err := t.client.ReadModels.Describe(ctx, model)
	if errors.Is(err, quipu.ReadModelNotFound) || errors.Is(err, quipu.TenantNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return generations[0].Position, nil
}

// findings are what became of it all.
type findings struct {
	events, count, differences int
}

// judge compares every tally of the read model with the log.
func (t *trial) judge(ctx context.Context) (findings, error) {
	expected := map[quipu.DocumentKey]tally{}
	for event, err := range t.client.ReadAll(ctx, quipu.ReadAllOptions{}).Events() {
		if err != nil {
			return findings{}, err
		}
		var payload said
		if err := event.Decode(&payload); err != nil {
			return findings{}, err
		}
		for _, key := range keysOf(event) {
			expected[key] = tally{expected[key].Events + 1, expected[key].Sum + payload.Number}
		}
	}
	found := findings{events: expected[all].Events}
	for document, err := range t.client.ReadModels.List(ctx, model, quipu.DocumentQuery{}) {
		if err != nil {
			return found, err
		}
		var counted tally
		if err := document.Decode(&counted); err != nil {
			return found, err
		}
		key := quipu.DocumentKey{Type: document.Type, ID: document.ID}
		if key == all {
			found.count = counted.Events
		}
		if counted != expected[key] {
			found.differences++
		}
		delete(expected, key)
	}
	found.differences += len(expected) // those that are missing
	return found, nil
}
