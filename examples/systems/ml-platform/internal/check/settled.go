package check

// Waiting until everything that follows has followed.

import (
	"context"
	"errors"
	"fmt"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/projection"
	"quipu/examples/ml-platform/internal/reactor"
)

// pollInterval is how often is asked whether something has come about that the store does not tell of by itself.
const pollInterval = 20 * time.Millisecond

// Until asks until it is so. It fails when the context ends first, and tells what it has waited for.
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

// Settled waits until the read models and the reactors have dealt with every event that concerns them, those among
// them that reactors have appended meanwhile. It fails when health does.
func Settled(ctx context.Context, client *quipu.Client, health func() error) error {
	return Until(ctx, "the platform to settle", func() (bool, error) {
		if err := health(); err != nil {
			return false, err
		}
		before, err := client.ServerInfo(ctx)
		if err != nil {
			return false, err
		}
		for model, made := range projection.All {
			if is, err := isModelThere(ctx, client, model, made.Query); !is || err != nil {
				return false, err
			}
		}
		for _, group := range reactor.Names() {
			if is, err := IsGroupThere(ctx, client, group); !is || err != nil {
				return false, err
			}
		}
		now, err := client.ServerInfo(ctx)
		return now.Head == before.Head, err
	})
}

// isModelThere tells whether a read model has everything that it is made of. Its position may lie before the head:
// it goes on over events of others when it gets the chance.
func isModelThere(ctx context.Context, client *quipu.Client, model string, query quipu.Query) (bool, error) {
	last, err := lastPosition(ctx, client, query)
	if err != nil || last == 0 {
		return err == nil, err
	}
	generations, err := client.ReadModels.Describe(ctx, model)
	if errors.Is(err, quipu.ReadModelNotFound) {
		return false, nil
	}
	for _, generation := range generations {
		if generation.IsActive {
			return generation.Position >= last, nil
		}
	}
	return false, err
}

// IsGroupThere tells whether a group has settled everything that is its own, likewise.
func IsGroupThere(ctx context.Context, client *quipu.Client, name string) (bool, error) {
	group, err := client.Consumers.Get(ctx, name)
	if errors.Is(err, quipu.GroupNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	last, err := lastPosition(ctx, client, group.Settings.Query)
	return group.SettledPosition >= last && group.Outstanding == 0, err
}

// lastPosition is that of the last event that matches, 0 where there is none.
func lastPosition(ctx context.Context, client *quipu.Client, query quipu.Query) (uint64, error) {
	options := quipu.ReadAllOptions{Query: query, Backwards: true, Limit: 1}
	last, err := client.ReadAll(ctx, options).Collect()
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].Position, nil
}
