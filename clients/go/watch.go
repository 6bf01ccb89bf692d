package quipu

// Giving up a call that has gone silent.

import (
	"context"
	"errors"
	"io"
	"time"
)

var errSilent = errors.New("the server has gone silent")

// watch is the context of one streaming call, which ends when nothing is received for too long.
type watch struct {
	parent  context.Context
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	silence time.Duration
}

func newWatch(parent context.Context, silence time.Duration) *watch {
	ctx, cancel := context.WithCancelCause(parent)
	timer := time.AfterFunc(silence, func() { cancel(errSilent) })
	return &watch{parent, ctx, cancel, timer, silence}
}

// close ends the call.
func (w *watch) close() {
	w.timer.Stop()
	w.cancel(nil)
}

// failure makes an [*Error] of what the call returned.
func (w *watch) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case w.parent.Err() == nil && context.Cause(w.ctx) == errSilent:
		return unavailable("%v: nothing came for %v", errSilent, w.silence)
	case err == io.EOF:
		return unavailable("the server ended the call")
	}
	return callFailure(w.parent, err)
}

// receive takes the next message of a call. Silence counts only while it waits.
func receive[Message any](w *watch, next func() (Message, error)) (Message, error) {
	w.timer.Reset(w.silence)
	message, err := next()
	w.timer.Stop()
	return message, w.failure(err)
}
