package main

// The rebuild: the read models are made anew from the first event, and must be what they were.

import (
	"context"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/check"
	"quipu/examples/ml-platform/internal/projection"
)

// rebuild stops the projectors of a run that is over and has its read models made anew.
func (r runs) rebuild(ctx context.Context, p *performance) (int, error) {
	before, err := check.Load(ctx, p.client, projection.Names()...)
	if err != nil {
		return 0, err
	}
	for _, model := range projection.Names() {
		p.stage.Kill(model)
		was, err := p.generation(ctx, model)
		if err != nil {
			return 0, err
		}
		job, err := p.stage.StartJob("rebuild-"+model, "projector", "-rebuild", model)
		if err != nil {
			return 0, err
		}
		if err := p.await(ctx, job); err != nil {
			return 0, err
		}
		is, err := p.generation(ctx, model)
		if err != nil {
			return 0, err
		}
		if is.Number <= was.Number {
			return 0, fmt.Errorf("%s was not made anew", model)
		}
	}
	facts, err := check.Log(ctx, p.client)
	if err != nil {
		return 0, err
	}
	documents, err := check.Load(ctx, p.client, projection.Names()...)
	if err != nil {
		return 0, err
	}
	differences := check.Differences(documents, check.Fold(facts))
	differences = append(differences, check.Differences(documents, before)...)
	report("rebuild", len(facts), 0, len(documents), differences)
	return len(differences), nil
}

// generation is the one that readers see.
func (p *performance) generation(ctx context.Context, model string) (quipu.Generation, error) {
	generations, err := p.client.ReadModels.Describe(ctx, model)
	for _, generation := range generations {
		if generation.IsActive {
			return generation, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%s has no generation", model)
	}
	return quipu.Generation{}, err
}
