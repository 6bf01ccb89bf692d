// Package campaign is what campaigns have in common: settings, processes of their own, conditions, tables.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	quipu "quipu/client"
)

const (
	pollInterval = 5 * time.Millisecond
	patience     = 2 * time.Minute
)

// Main runs a campaign, or a process of it, and ends with 1 when it fails.
func Main(run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Setting reads a number from the environment.
func Setting(name string, otherwise int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		return 0, fmt.Errorf("%s is %q, not a number", name, text)
	}
	return number, nil
}

// Connect connects with patience for a server that is killed again and again.
func Connect(ctx context.Context, address string) (*quipu.Client, error) {
	return quipu.Connect(ctx, address, quipu.Options{
		Retry:   quipu.RetryPolicy{Attempts: -1, MaxBackoff: 100 * time.Millisecond},
		Timeout: patience, Logger: slog.New(slog.DiscardHandler),
	})
}

// Process is another process of the same program.
type Process struct {
	command *exec.Cmd
	exited  chan struct{}
	err     error
}

// Start starts the program again with these arguments.
func Start(arguments ...string) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := &Process{command: exec.Command(program, arguments...), exited: make(chan struct{})}
	process.command.Stderr = os.Stderr
	if err := process.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		process.err = process.command.Wait()
		close(process.exited)
	}()
	return process, nil
}

// Kill ends it with SIGKILL and tells whether it was still there.
func (p *Process) Kill() bool {
	select {
	case <-p.exited:
		return false
	default:
	}
	_ = p.command.Process.Kill() // it may be gone by now
	<-p.exited
	return !p.command.ProcessState.Success()
}

// Wait waits for its end.
func (p *Process) Wait() error {
	<-p.exited
	return p.err
}

// HasExited tells whether it has ended, and how.
func (p *Process) HasExited() (bool, error) {
	select {
	case <-p.exited:
		return true, p.err
	default:
		return false, nil
	}
}

// Until asks until it is so, or the context ends.
func Until(ctx context.Context, what string, isSo func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if so, err := isSo(); so || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %w", what, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// Print prints rows below their names, as a table.
func Print(names []string, rows ...[]any) {
	rules := make([]string, len(names))
	for i := range rules {
		rules[i] = "--:"
	}
	fmt.Println("| " + strings.Join(names, " | ") + " |")
	fmt.Println("|" + strings.Join(rules, "|") + "|")
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if number, ok := cell.(float64); ok {
				cell = fmt.Sprintf("%.1f", number)
			}
			cells[i] = fmt.Sprint(cell)
		}
		fmt.Println("| " + strings.Join(cells, " | ") + " |")
	}
}

// ErrDifferences is how a campaign ends that has found any.
var ErrDifferences = errors.New("there are differences")
