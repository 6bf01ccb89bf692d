package quipu

// When to try again, and after what pause.

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// RetryPolicy says how often and how fast a call is tried again while the server is unavailable. Pauses double
// up to a limit, and half of each is drawn by lot, so that many clients do not come back in step. The zero
// value has the defaults: eight tries with pauses up to 2 s, so 2.5 to 5 s of pauses in all.
type RetryPolicy struct {
	// Attempts is how many tries in a row may fail, the first included. 0: 8; negative: no limit.
	Attempts int
	// InitialBackoff is the longest pause after the first failure. 0: 50 ms.
	InitialBackoff time.Duration
	// MaxBackoff is the longest pause of all. 0: 2 s.
	MaxBackoff time.Duration
}

func (p RetryPolicy) orDefault() RetryPolicy {
	if p.Attempts == 0 {
		p.Attempts = 8
	}
	if p.InitialBackoff <= 0 {
		p.InitialBackoff = 50 * time.Millisecond
	}
	if p.MaxBackoff <= 0 {
		p.MaxBackoff = 2 * time.Second
	}
	return p
}

// forever is the same pace without an end.
func (p RetryPolicy) forever() RetryPolicy {
	p.Attempts = -1
	return p
}

// allows tells whether to go on after so many failures in a row.
func (p RetryPolicy) allows(failures int) bool {
	return p.Attempts < 0 || failures < p.Attempts
}

// pause is drawn by lot, between half of the full pause and all of it; lot is in [0, 1).
func (p RetryPolicy) pause(failures int, lot float64) time.Duration {
	full := p.InitialBackoff
	for range failures - 1 {
		if full >= p.MaxBackoff {
			break
		}
		full *= 2
	}
	return time.Duration(float64(min(full, p.MaxBackoff)) * (0.5 + lot/2))
}

// run calls until it works, fails for good, or the tries are used up.
func (p RetryPolicy) run(ctx context.Context, log *slog.Logger, attempt func() error) error {
	for failures := 1; ; failures++ {
		err := attempt()
		if err == nil {
			return nil
		}
		if !p.again(ctx, log, err, failures) {
			return err
		}
	}
}

// again tells whether to try again after this failure, and waits until then.
func (p RetryPolicy) again(ctx context.Context, log *slog.Logger, err error, failures int) bool {
	if !IsRetryable(err) || !p.allows(failures) {
		return false
	}
	pause := p.pause(failures, rand.Float64())
	log.DebugContext(ctx, "the server is away, trying again", "error", err, "failures", failures, "pause", pause)
	return sleep(ctx, pause) == nil
}

// sleep waits, or fails as soon as the context ends.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
