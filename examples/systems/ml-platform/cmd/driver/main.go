// The driver does what the data scientists of a platform do all day, by a seed. It may be run again with the same
// seed: what is done is known.
package main

import (
	"context"
	"flag"

	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/program"
	"quipu/examples/ml-platform/internal/workload"
)

func main() {
	address := flag.String("address", program.DefaultAddress, "where the server listens")
	seed := flag.Uint64("seed", 1, "what the plan is made of")
	events := flag.Int("events", 1000, "about how many events")
	flag.Parse()
	program.Main(func(ctx context.Context) error {
		return program.With(ctx, *address, func(platform *platform.Platform) error {
			return workload.Drive(ctx, platform, workload.NewPlan(*seed, *events))
		})
	})
}
