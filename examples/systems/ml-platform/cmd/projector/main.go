// The projector keeps a read model up to date, or makes it anew from the beginning.
package main

import (
	"context"
	"flag"
	"fmt"

	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/program"
	"quipu/examples/ml-platform/internal/projection"
)

func main() {
	address := flag.String("address", program.DefaultAddress, "where the server listens")
	rebuild := flag.Bool("rebuild", false, "make the read model anew in a new generation, switch to it, and end")
	flag.Parse()
	program.Main(func(ctx context.Context) error {
		return program.With(ctx, *address, func(platform *platform.Platform) error {
			projector, err := projection.New(platform.Client, flag.Arg(0))
			if err != nil {
				return err
			}
			if !*rebuild {
				return projector.Run(ctx)
			}
			generation, err := projector.Rebuild(ctx)
			if err == nil {
				fmt.Println("readers see generation", generation)
			}
			return err
		})
	})
}
