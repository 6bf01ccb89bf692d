// Package platformtest gives a test a platform on a server of its own.
package platformtest

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/projection"
	"quipu/examples/ml-platform/internal/stage"
)

// timeout bounds a test that waits for something.
const timeout = time.Minute

// Log is what was logged. It may be written by many goroutines.
type Log struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write takes a part.
func (l *Log) Write(part []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(part)
}

// String gives all of it.
func (l *Log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// New starts a server and gives a platform on it, with what its client logs.
func New(t *testing.T) (context.Context, *platform.Platform, *Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	server, err := stage.StartServer(t.TempDir())
	OK(t, err)
	t.Cleanup(server.Kill)
	log := &Log{}
	platform, err := platform.Connect(ctx, server.Address(), slog.New(slog.NewTextHandler(log, nil)))
	OK(t, err)
	t.Cleanup(func() { _ = platform.Close() })
	return ctx, platform, log
}

// OK fails the test on an error.
func OK(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Must gives the value, or fails the test: a closure, so that it can be called on what a function returns.
func Must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		OK(t, err)
		return value
	}
}

// Decided is a decision that was made before.
func Decided[State any](payloads ...event.Payload) func(State) ([]event.Payload, error) {
	return func(State) ([]event.Payload, error) { return payloads, nil }
}

// CatchUp brings all read models up to date.
func CatchUp(ctx context.Context, t *testing.T, platform *platform.Platform) {
	t.Helper()
	for _, name := range projection.Names() {
		projector, err := projection.New(platform.Client, name)
		OK(t, err)
		_, err = projector.CatchUp(ctx)
		OK(t, err)
	}
}
