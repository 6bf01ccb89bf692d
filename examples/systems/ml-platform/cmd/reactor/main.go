// The reactor does what follows from events: one of the platform's reactors, as a member of its consumer group.
package main

import (
	"context"
	"flag"

	"quipu/examples/ml-platform/internal/pager"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/program"
	"quipu/examples/ml-platform/internal/reactor"
)

func main() {
	address := flag.String("address", program.DefaultAddress, "where the server listens")
	pages := flag.String("pages", "pages", "the directory that pages go to")
	lose := flag.Uint("lose", 0, "lose the first answer to about one of so many pages; 0: none")
	imperial := flag.Bool("imperial", false, "the drift watch also knows imperial units")
	flag.Parse()
	program.Main(func(ctx context.Context) error {
		settings := reactor.Settings{Units: reactor.MetricOnly()}
		if *imperial {
			settings.Units = reactor.WithImperial()
		}
		var err error
		if settings.Pager, err = pager.Open(*pages, uint32(*lose)); err != nil {
			return err
		}
		return program.With(ctx, *address, func(platform *platform.Platform) error {
			reactor, err := reactor.New(flag.Arg(0), platform, settings)
			if err != nil {
				return err
			}
			return reactor.Run(ctx)
		})
	})
}
