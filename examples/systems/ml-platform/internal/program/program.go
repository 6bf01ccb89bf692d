// Package program is what the platform's programs have in common: they log to stderr, stop on a signal, and end with
// 1 when something is wrong.
package program

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"quipu/examples/ml-platform/internal/platform"
)

// DefaultAddress is where a server listens that was told nothing else.
const DefaultAddress = "127.0.0.1:2113"

// Main runs a program until it is done or told to stop.
func Main(run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		slog.Error(filepath.Base(os.Args[0])+" has failed", "error", err)
		os.Exit(1)
	}
}

// With runs a part of a program on a connection.
func With(ctx context.Context, address string, run func(platform *platform.Platform) error) error {
	connected, err := platform.Connect(ctx, address, slog.Default())
	if err != nil {
		return err
	}
	defer func() { _ = connected.Close() }() // nothing is under way any more
	return run(connected)
}
