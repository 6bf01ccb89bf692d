package quipu

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"quipu/client/quipupb"
)

func TestPausesDoubleUpToTheLimit(t *testing.T) {
	policy := RetryPolicy{}.orDefault()
	for failures, full := range map[int]time.Duration{
		1: 50 * time.Millisecond, 2: 100 * time.Millisecond, 3: 200 * time.Millisecond, 6: 1600 * time.Millisecond,
		7: 2 * time.Second, 1_000_000: 2 * time.Second,
	} {
		if pause := policy.pause(failures, 1); pause != full {
			t.Errorf("after %d failures: %v instead of %v", failures, pause, full)
		}
		if pause := policy.pause(failures, 0); pause != full/2 {
			t.Errorf("after %d failures, at least: %v instead of %v", failures, pause, full/2)
		}
	}
}

func TestTriesAreCountedWithTheFirst(t *testing.T) {
	if (RetryPolicy{Attempts: 1}).allows(1) {
		t.Error("one try is one")
	}
	if policy := (RetryPolicy{Attempts: 2}); !policy.allows(1) || policy.allows(2) {
		t.Error("two tries are two")
	}
	if !(RetryPolicy{}.forever()).allows(1_000_000) {
		t.Error("there is a limit")
	}
}

func TestOnlyWhatIsAwayIsTriedAgain(t *testing.T) {
	policy := RetryPolicy{Attempts: 3, InitialBackoff: 1, MaxBackoff: 1}
	log := slog.New(slog.DiscardHandler)
	for name, each := range map[string]struct {
		failure error
		tries   int
	}{
		"unavailable": {unavailable("away"), 3},
		"refused":     {&Error{Reason: StreamNotFound}, 1},
		"another":     {errors.New("another"), 1},
	} {
		tries := 0
		err := policy.run(t.Context(), log, func() error { tries++; return each.failure })
		if err != each.failure || tries != each.tries {
			t.Errorf("%s: %d tries, %v", name, tries, err)
		}
	}
	tries := 0
	err := policy.run(t.Context(), log, func() error {
		if tries++; tries < 3 {
			return unavailable("away")
		}
		return nil
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestRetriedAppendHasItsFirstIds(t *testing.T) {
	var seen [][]*quipupb.NewEvent
	server := &scripted{append: func(request *quipupb.AppendRequest) (*quipupb.AppendResponse, error) {
		if seen = append(seen, request.Events); len(seen) < 3 {
			return nil, away()
		}
		return &quipupb.AppendResponse{FirstRevision: new(uint64), LastRevision: new(uint64)}, nil
	}}
	client := server.connect(t)
	if _, err := client.Append(t.Context(), "s", Any, []NewEvent{{Type: "T"}, {Type: "T"}}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[0][0].Id == seen[0][1].Id || len(seen[0][0].Id) != 36 {
		t.Fatalf("tries: %v", seen)
	}
	for _, events := range seen {
		if events[0].Id != seen[0][0].Id || events[1].Id != seen[0][1].Id {
			t.Errorf("another id at a retry: %v", events)
		}
	}
}

func TestTransactionWithoutEventsIsTriedOnce(t *testing.T) {
	tries := 0
	server := &scripted{transact: func(*quipupb.TransactRequest) (*quipupb.TransactResponse, error) {
		tries++
		return nil, away()
	}}
	client := server.connect(t)
	advance := Transaction{Checkpoints: []CheckpointAdvance{{"c", 1}}}
	if _, err := client.Transact(t.Context(), advance); !errors.Is(err, ShuttingDown) || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
	advance.Appends = []StreamAppend{{Stream: "s", Events: []NewEvent{{Type: "T"}}}}
	if _, err := client.Transact(t.Context(), advance); !IsRetryable(err) || tries != 5 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestEndedContextEndsTheTries(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := &scripted{append: func(*quipupb.AppendRequest) (*quipupb.AppendResponse, error) {
		cancel()
		return nil, away()
	}}
	_, err := server.connect(t).Append(ctx, "s", Any, []NewEvent{{Type: "T"}})
	if err == nil {
		t.Error("there was an answer")
	}
}
