// Exactly once: events are counted into a read model by a projector, a process of its own, which is killed again and
// again, as is the server, while events are appended. Afterwards the count must be the number of events.
//
// EVENTS, KILLS and SEED are taken from the environment.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	quipu "quipu/client"
	"quipu/client/campaigns/internal/campaign"
	"quipu/client/internal/testserver"
)

const (
	shortEvents = 5_000
	shortKills  = 10
	// deadline bounds the whole campaign.
	deadline = 30 * time.Minute
)

func main() {
	campaign.Main(func(ctx context.Context) error {
		if len(os.Args) == 2 {
			return project(ctx, os.Args[1])
		}
		return projection(ctx)
	})
}

// trial is one run of the campaign.
type trial struct {
	server    *testserver.Server
	client    *quipu.Client
	projector *campaign.Process
	began     uint64 // where the read model was when the projector was started
	load      *load
	kills     map[victim]int
}

type victim string

const (
	theServer    victim = "server"
	theProjector victim = "projector"
)

func projection(ctx context.Context) error {
	events, err := campaign.Setting("EVENTS", shortEvents)
	if err != nil {
		return err
	}
	kills, err := campaign.Setting("KILLS", shortKills)
	if err != nil {
		return err
	}
	seed, err := campaign.Setting("SEED", 1)
	if err != nil {
		return err
	}
	fmt.Printf("exactly-once projection: %d events, %d kills, seed %d\n", events, kills, seed)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	server, err := testserver.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := campaign.Connect(ctx, server.Address())
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // nothing is under way any more
	begun := time.Now()
	run := &trial{server: server, client: client, load: newLoad(client, events), kills: map[victim]int{}}
	if err := run.all(ctx, rand.New(rand.NewPCG(uint64(seed), 0)), kills); err != nil {
		return err
	}
	found, err := run.judge(ctx)
	if err != nil {
		return err
	}
	campaign.Print(
		[]string{"events", "kills of the server", "kills of the projector", "count", "differences", "seconds"},
		[]any{found.events, run.kills[theServer], run.kills[theProjector], found.count, found.differences,
			time.Since(begun).Seconds()})
	if found.differences != 0 || found.events != events {
		return campaign.ErrDifferences
	}
	return nil
}

// all appends everything, kills as many times, and waits until the read model is there.
func (t *trial) all(ctx context.Context, lot *rand.Rand, kills int) error {
	if err := t.startProjector(ctx); err != nil {
		return err
	}
	defer func() { t.projector.Kill() }()
	moments := make([]int, kills)
	for i := range moments {
		moments[i] = 1 + lot.IntN(t.load.events-1)
	}
	slices.Sort(moments)
	appending := make(chan error, 1)
	t.load.allow(append(moments, t.load.events)[0])
	go func() { appending <- t.load.append(ctx) }()
	for i := range moments {
		who := theServer
		if lot.IntN(2) == 0 {
			who = theProjector
		}
		if err := t.kill(ctx, who, moments[i], append(moments[i+1:], t.load.events)[0]); err != nil {
			return err
		}
	}
	if err := <-appending; err != nil {
		return err
	}
	return campaign.Until(ctx, "the read model", func() (bool, error) {
		if has, err := t.projector.HasExited(); has {
			return false, fmt.Errorf("the projector has ended: %w", err)
		}
		position, err := t.position(ctx)
		return position == uint64(t.load.events), err
	})
}

// kill waits for a moment, has the load go on up to the next one, and kills in the middle of that. A projector is not
// killed before it has written something, so that each of its kills is one of a projector at work.
func (t *trial) kill(ctx context.Context, who victim, moment, next int) error {
	if err := t.load.await(ctx, moment); err != nil {
		return err
	}
	t.load.allow(next)
	t.kills[who]++
	if who == theServer {
		return t.server.KillAndRestart()
	}
	err := campaign.Until(ctx, "the projector to write", func() (bool, error) {
		position, err := t.position(ctx)
		return position > t.began || position == uint64(t.load.done()), err
	})
	if err != nil {
		return err
	}
	if !t.projector.Kill() {
		return fmt.Errorf("the projector has ended by itself")
	}
	return t.startProjector(ctx)
}

func (t *trial) startProjector(ctx context.Context) (err error) {
	if t.began, err = t.position(ctx); err != nil {
		return err
	}
	t.projector, err = campaign.Start(t.server.Address())
	return err
}
