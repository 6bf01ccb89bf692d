// Replay: events of several types are replayed by type and time in batches, under a named checkpoint, by a process
// that is killed in the middle and started again. Every event must be handed on, and again only those of a batch
// whose checkpoint was not set. Then the pace: the whole log by one replayer, and by four side by side.
//
// EVENTS, KILLS and SEED are taken from the environment.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	quipu "quipu/client"
	"quipu/client/campaigns/internal/campaign"
	"quipu/client/internal/testserver"
)

const (
	shortEvents = 20_000
	shortKills  = 2
	// deadline bounds the whole campaign.
	deadline = 60 * time.Minute
)

func main() {
	campaign.Main(func(ctx context.Context) error {
		if len(os.Args) > 1 {
			return replayer(ctx, os.Args[1:])
		}
		return replays(ctx)
	})
}

// trial is one run of the campaign.
type trial struct {
	address string
	home    string
	client  *quipu.Client
	log     []entry
	rows    [][]any
	isWrong bool
}

// entry is what has to be known of an event to tell which replay it belongs to.
type entry struct {
	eventType  string
	recordedAt time.Time
}

func replays(ctx context.Context) error {
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
	fmt.Printf("replay: %d events, %d kills, seed %d\n", events, kills, seed)
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
	home, err := os.MkdirTemp("", "replay-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(home) }() // a directory for temporary files is cleaned by others, too
	run := &trial{address: server.Address(), home: home, client: client}
	if err := run.all(ctx, events, kills, rand.New(rand.NewPCG(uint64(seed), 0))); err != nil {
		return err
	}
	campaign.Print([]string{"replay of", "replayers", "events", "batch", "kills", "handed on again", "differences",
		"seconds", "events/s"}, run.rows...)
	if run.isWrong {
		return campaign.ErrDifferences
	}
	return nil
}

func (t *trial) all(ctx context.Context, events, kills int, lot *rand.Rand) error {
	if err := t.fill(ctx, events); err != nil {
		return err
	}
	batch := max(20, events/200)
	// Two of four types, from where a tenth of the log lies behind.
	part := selection{types: eventTypes[:2], from: t.log[events/10].recordedAt}
	if err := t.resume(ctx, part, batch, kills, lot); err != nil {
		return err
	}
	if err := t.pace(ctx, batch, []selection{{types: eventTypes}}); err != nil {
		return err
	}
	var each []selection
	for _, eventType := range eventTypes {
		each = append(each, selection{types: []string{eventType}})
	}
	return t.pace(ctx, batch, each)
}

// resume has one replayer killed and started again until it has come to the end.
func (t *trial) resume(ctx context.Context, part selection, batch, kills int, lot *rand.Rand) error {
	task := task{
		address: t.address, name: "resumed", selection: part, batch: batch,
		journal: filepath.Join(t.home, "resumed"),
	}
	expected := t.positions(part)
	begun, killed := time.Now(), 0
	for kill := range kills + 1 {
		process, err := campaign.Start(task.arguments()...)
		if err != nil {
			return err
		}
		if kill == kills {
			if err := process.Wait(); err != nil {
				return err
			}
			break
		}
		// Within the kill's own share of what there is to do.
		share := (float64(kill) + 0.2 + 0.6*lot.Float64()) / float64(kills+1)
		due := int(share * float64(len(expected)))
		err = campaign.Until(ctx, "the replayer", func() (bool, error) {
			done, err := task.journalled()
			return done >= due, err
		})
		if err != nil {
			process.Kill()
			return err
		}
		if process.Kill() {
			killed++
		}
		if err := task.mendJournal(); err != nil {
			return err
		}
	}
	found, err := task.compare(expected, killed)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d types from a time", len(part.types))
	t.note(what, 1, len(expected), batch, killed, found, time.Since(begun))
	return nil
}

// pace measures replayers that go side by side, each over a part of its own.
func (t *trial) pace(ctx context.Context, batch int, parts []selection) error {
	var tasks []task
	var processes []*campaign.Process
	begun := time.Now()
	for i, part := range parts {
		name := fmt.Sprintf("pace-%d-of-%d", i, len(parts))
		task := task{
			address: t.address, name: name, selection: part, batch: batch, journal: filepath.Join(t.home, name),
		}
		process, err := campaign.Start(task.arguments()...)
		if err != nil {
			return err
		}
		tasks, processes = append(tasks, task), append(processes, process)
	}
	for _, process := range processes {
		if err := process.Wait(); err != nil {
			return err
		}
	}
	took := time.Since(begun)
	var sum comparison
	events := 0
	for i, task := range tasks {
		expected := t.positions(parts[i])
		found, err := task.compare(expected, 0)
		if err != nil {
			return err
		}
		sum.again += found.again
		sum.differences += found.differences
		events += len(expected)
	}
	what := "the whole log"
	if len(parts) > 1 {
		what = "a type each"
	}
	t.note(what, len(parts), events, batch, 0, sum, took)
	return nil
}

func (t *trial) note(what string, replayers, events, batch, kills int, found comparison, took time.Duration) {
	t.isWrong = t.isWrong || found.differences > 0
	t.rows = append(t.rows, []any{what, replayers, events, batch, kills, found.again, found.differences,
		took.Seconds(), int(float64(events) / took.Seconds())})
}
