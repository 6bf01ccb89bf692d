// Command conformance runs the scenarios that every client of Quipu passes, against real servers that it starts
// itself. It prints one line per scenario and exits with 1 if one failed. Arguments name the scenarios to run.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"quipu/client/internal/leakcheck"
)

const patience = 90 * time.Second

type scenario struct {
	name string
	run  func(t *trial)
}

var scenarios = []scenario{
	{"append-expected", appendExpected},
	{"append-retry", appendRetry},
	{"append-guards", appendGuards},
	{"transact", transact},
	{"read-stream", readStream},
	{"read-all-query", readAllQuery},
	{"read-resume", readResume},
	{"subscribe-live", subscribeLive},
	{"subscribe-resume", subscribeResume},
	{"append-resume", appendResume},
	{"snapshots", snapshots},
	{"state", state},
	{"checkpoints", checkpoints},
	{"stream-life", streamLife},
	{"statistics", statistics},
	{"tenants", tenants},
	{"errors", badInput},
	{"aggregate", aggregate},
	{"upcasters", upcasters},
	{"group-order", groupOrder},
	{"group-park", groupPark},
	{"group-members", groupMembers},
	{"group-fetch", groupFetch},
	{"group-errors", groupErrors},
	{"reactor", reactor},
	{"read-models", readModels},
	{"projector", projector},
	{"replay", replay},
}

func main() {
	wanted := os.Args[1:]
	known := func(name string) bool {
		return slices.ContainsFunc(scenarios, func(it scenario) bool { return it.name == name })
	}
	for _, name := range wanted {
		if !known(name) {
			fmt.Fprintf(os.Stderr, "no scenario is called %s\n", name)
			os.Exit(2)
		}
	}
	failed := false
	for _, it := range scenarios {
		if len(wanted) > 0 && !slices.Contains(wanted, it.name) {
			continue
		}
		if why := attempt(it); why != "" {
			failed = true
			fmt.Printf("FAIL %s: %s\n", it.name, why)
		} else {
			fmt.Printf("ok %s\n", it.name)
		}
	}
	if failed {
		os.Exit(1)
	}
}

// attempt runs a scenario and says why it failed; nothing when it did not.
func attempt(it scenario) (why string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t := &trial{ctx: ctx}
	defer func() {
		value := recover()
		cancel()
		t.cleanUp()
		if failure, ok := value.(failure); ok {
			why = failure.why
		} else if value != nil {
			why = fmt.Sprintf("panic: %v", value)
			debug.PrintStack()
		} else if leaked := leakcheck.Leaked(); len(leaked) > 0 {
			why = fmt.Sprintf("%d goroutines are left running", len(leaked))
			fmt.Fprintln(os.Stderr, strings.Join(leaked, "\n\n"))
		}
	}()
	it.run(t)
	return ""
}
