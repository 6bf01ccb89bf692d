// The scenario runs the whole platform three times: plainly, with every process killed again and again, and with its
// read models made anew. After each it prints what has become of it, and ends with 1 unless all is right.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"quipu/examples/ml-platform/internal/program"
)

const (
	defaultEvents = 10_000
	defaultSeed   = 1
	defaultKills  = 20
	// deadline bounds a run.
	deadline = 5 * time.Minute
)

func main() { program.Main(scenario) }

func scenario(ctx context.Context) error {
	events, seed, kills := setting("EVENTS", defaultEvents), setting("SEED", defaultSeed), setting("KILLS", defaultKills)
	home, err := os.MkdirTemp("", "ml-platform-*")
	if err != nil {
		return err
	}
	fmt.Printf("ml-platform: events %d, seed %d\n", events, seed)
	programs, err := os.Executable()
	if err != nil {
		return err
	}
	runs := runs{programs: filepath.Dir(programs), home: home, events: events, seed: uint64(seed), kills: kills}
	if err := runs.all(ctx); err != nil {
		return fmt.Errorf("%w (the logs are in %s)", err, home)
	}
	return os.RemoveAll(home)
}

func (r runs) all(ctx context.Context) error {
	plain, err := r.perform(ctx, "plain", 0, nil)
	if err != nil {
		return fmt.Errorf("plain: %w", err)
	}
	killed, err := r.perform(ctx, "kills", r.kills, r.rebuild)
	if err != nil {
		return fmt.Errorf("kills: %w", err)
	}
	if plain+killed > 0 {
		return errors.New("there are differences")
	}
	return nil
}

// setting reads a number from the environment.
func setting(name string, otherwise int) int {
	if number, err := strconv.Atoi(os.Getenv(name)); err == nil && number > 0 {
		return number
	}
	return otherwise
}
