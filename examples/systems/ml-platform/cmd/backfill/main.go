// The backfill imports what an older system has exported: a file with a JSON object a line. It may be run again: what
// is there is recognised.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"

	"quipu/examples/ml-platform/internal/history"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/program"
)

func main() {
	address := flag.String("address", program.DefaultAddress, "where the server listens")
	flag.Parse()
	program.Main(func(ctx context.Context) error {
		file, err := os.Open(flag.Arg(0))
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // it was only read
		lines, err := history.Read(file)
		if err != nil {
			return err
		}
		return program.With(ctx, *address, func(platform *platform.Platform) error {
			imported, err := history.Import(ctx, platform.Client, lines)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(imported)
		})
	})
}
