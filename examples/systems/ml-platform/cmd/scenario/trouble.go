package main

// What goes wrong in a run, on purpose: kills, events that a reactor does not understand, and events that come again.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/check"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/reactor"
	"quipu/examples/ml-platform/internal/stage"
)

// killAll kills every process in turn, in an order and at lengths of the log that are drawn by lot: after so many
// events, so that each kill hits work under way. What the driver leaves no events for comes at its end.
func (p *performance) killAll(ctx context.Context, kills int, driven <-chan struct{}) error {
	lot := rand.New(rand.NewPCG(p.seed, 3))
	victims := append([]string{stage.ServerName}, p.stage.Workers()...)
	last := p.plan.Events()
	for kill := range kills {
		if kill%len(victims) == 0 {
			lot.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
		}
		// Within the kill's own share of the log.
		at := uint64(float64(last) * (float64(kill) + lot.Float64()) / float64(kills+1))
		err := check.Until(ctx, "the log to grow", func() (bool, error) {
			select {
			case <-driven:
				return true, nil
			default:
			}
			info, err := p.client.ServerInfo(ctx)
			return info.Head >= at, err
		})
		if err != nil {
			return err
		}
		if err := p.stage.KillAndRestart(victims[kill%len(victims)]); err != nil {
			return err
		}
	}
	return nil
}

// reviveDeadLetters looks at the events that the drift watch has parked, mends it, and has them dealt with again.
func (p *performance) reviveDeadLetters(ctx context.Context) error {
	facts, err := check.Log(ctx, p.client)
	if err != nil {
		return err
	}
	expected := map[uint64]bool{}
	for _, fact := range facts {
		if fact.Type == event.TypePredictionsServed && fact.Said["unit"] == "imperial" {
			expected[fact.Position] = true
		}
	}
	parked := 0
	for letter, err := range p.client.Consumers.ListParked(ctx, reactor.DriftWatch) {
		if err != nil {
			return err
		}
		if !expected[letter.Event.Position] || !strings.Contains(letter.Reason, "imperial") {
			return fmt.Errorf("event %d was parked: %s", letter.Event.Position, letter.Reason)
		}
		parked++
	}
	if parked != len(expected) || parked == 0 {
		return fmt.Errorf("%d events were parked, expected %d", parked, len(expected))
	}
	if err := p.stage.Restart(reactor.DriftWatch, "-imperial"); err != nil {
		return err
	}
	replayed, err := p.client.Consumers.ReplayParked(ctx, reactor.DriftWatch)
	if err != nil {
		return err
	}
	if replayed != uint64(parked) {
		return fmt.Errorf("%d of %d parked events were replayed", replayed, parked)
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	group, err := p.client.Consumers.Get(ctx, reactor.DriftWatch)
	if err == nil && group.Parked != 0 {
		err = fmt.Errorf("%d events are still parked", group.Parked)
	}
	return err
}

// repeatEverything has all reactors given all events again: whatever follows from that is a difference.
func (p *performance) repeatEverything(ctx context.Context) error {
	for _, name := range reactor.Names() {
		if _, err := p.client.Consumers.Reset(ctx, name, quipu.Start()); err != nil {
			return err
		}
	}
	return p.settle(ctx)
}
