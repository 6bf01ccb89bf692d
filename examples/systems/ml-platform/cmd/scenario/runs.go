package main

// A run of the whole platform, from the start of its processes to the judgement.

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/check"
	"quipu/examples/ml-platform/internal/history"
	"quipu/examples/ml-platform/internal/pager"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/projection"
	"quipu/examples/ml-platform/internal/stage"
	"quipu/examples/ml-platform/internal/workload"
)

// pastShare is how many events there are for each run of the old system.
const pastShare = 500

// differencesShown bounds how many differences are told one by one.
const differencesShown = 10

// runs is what all runs have in common.
type runs struct {
	programs, home string
	events, kills  int
	seed           uint64
}

// performance is one run.
type performance struct {
	runs
	name   string
	stage  *stage.Stage
	client *quipu.Client
	plan   workload.Plan
	past   string
}

// perform does a run in a directory of its own, then what comes next on the same platform. It gives the number of
// differences.
func (r runs) perform(
	ctx context.Context, name string, kills int, next func(context.Context, *performance) (int, error),
) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	directory := filepath.Join(r.home, name)
	onStage, err := stage.Open(directory, r.programs)
	if err != nil {
		return 0, err
	}
	defer onStage.Close()
	connected, err := platform.Connect(ctx, onStage.Address(), slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	defer func() { _ = connected.Close() }() // nothing is under way any more
	p := &performance{
		runs: r, name: name, stage: onStage, client: connected.Client,
		plan: workload.NewPlan(r.seed, r.events), past: filepath.Join(directory, "past.jsonl"),
	}
	if err := p.live(ctx, kills); err != nil {
		return 0, err
	}
	differences, err := p.judge(ctx, kills)
	if err != nil || next == nil {
		return differences, err
	}
	more, err := next(ctx, p)
	return differences + more, err
}

// live starts everything, kills what is to be killed, and waits until all is settled and no letter
// is dead; then has everything repeated.
func (p *performance) live(ctx context.Context, kills int) error {
	if err := p.writePast(); err != nil {
		return err
	}
	if err := p.stage.StartWorkers(); err != nil {
		return err
	}
	driver, err := p.stage.StartJob("driver", "driver",
		"-seed", fmt.Sprint(p.seed), "-events", fmt.Sprint(p.events))
	if err != nil {
		return err
	}
	defer driver.Kill()
	backfill, err := p.stage.StartJob("backfill", "backfill", p.past)
	if err != nil {
		return err
	}
	defer backfill.Kill()
	if err := p.killAll(ctx, kills, driver.Done()); err != nil {
		return err
	}
	for _, job := range []stage.Job{driver, backfill} {
		if err := p.await(ctx, job); err != nil {
			return err
		}
	}
	if err := p.backfillAgain(ctx); err != nil {
		return err
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	if err := p.reviveDeadLetters(ctx); err != nil {
		return err
	}
	return p.repeatEverything(ctx)
}

func (p *performance) writePast() error {
	lines, err := workload.Past(p.seed, max(3, p.events/pastShare))
	if err != nil {
		return err
	}
	file, err := os.Create(p.past)
	if err != nil {
		return err
	}
	if err := history.Write(file, lines); err != nil {
		return err
	}
	return file.Close()
}

// await waits for a job, as long as everything else is well.
func (p *performance) await(ctx context.Context, job stage.Job) error {
	return check.Until(ctx, "the end of a job", func() (bool, error) {
		select {
		case <-job.Done():
			return true, job.Wait()
		default:
			return false, p.stage.Health()
		}
	})
}

// backfillAgain imports the past a second time, which must add nothing.
func (p *performance) backfillAgain(ctx context.Context) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	settled, err := p.client.ServerInfo(ctx)
	if err != nil {
		return err
	}
	again, err := p.stage.StartJob("backfill-again", "backfill", p.past)
	if err != nil {
		return err
	}
	if err := p.await(ctx, again); err != nil {
		return err
	}
	now, err := p.client.ServerInfo(ctx)
	if err == nil && now.Head != settled.Head {
		err = fmt.Errorf("a second backfill has added %d events", now.Head-settled.Head)
	}
	return err
}

func (p *performance) settle(ctx context.Context) error {
	return check.Settled(ctx, p.client, p.stage.Health)
}

// judge compares everything there is with what should be, and prints the line.
func (p *performance) judge(ctx context.Context, kills int) (int, error) {
	facts, err := check.Log(ctx, p.client)
	if err != nil {
		return 0, err
	}
	pages, err := pager.Sent(p.stage.Pages())
	if err != nil {
		return 0, err
	}
	documents, err := check.Load(ctx, p.client, projection.Names()...)
	if err != nil {
		return 0, err
	}
	differences := check.Differences(documents, check.Fold(facts))
	differences = append(differences, check.Effects(facts, pages)...)
	broken, err := check.Promises(ctx, p.client, facts, p.plan)
	if err != nil {
		return 0, err
	}
	differences = append(differences, broken...)
	report(p.name, len(facts), kills, len(documents), differences)
	return len(differences), nil
}

func report(name string, events, kills, documents int, differences []string) {
	for _, difference := range differences[:min(len(differences), differencesShown)] {
		fmt.Println("  different:", difference)
	}
	fmt.Printf("ml-platform %s: events %d, kills %d, documents %d, differences %d\n",
		name, events, kills, documents, len(differences))
}
