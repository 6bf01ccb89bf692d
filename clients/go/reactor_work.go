package quipu

// What a reactor has in hand, across its sessions: which events are being handled, and by which handlers they
// have been.

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// rememberedEvents bounds how many events that are not in hand are remembered with the handlers that have
// succeeded. One that is forgotten is handled by all of them again, should it be delivered again.
const rememberedEvents = 10_000

type reactorWork struct {
	client   *Client
	handlers *versioned[Handler]
	metrics  *reactorMetrics
	maxTries uint32

	running sync.WaitGroup
	mutex   sync.Mutex
	tasks   map[uint64]*reactorTask
	waiting []uint64 // positions of tasks not in hand, oldest first; some may be gone or in hand again
}

// reactorTask is an event that was delivered and is not known to be settled for good.
type reactorTask struct {
	session *reactorSession // where it was delivered last: where it is settled
	try     uint32
	done    []bool // by handler: whether it has succeeded
	inHand  bool
	isFinal bool // what was said last of the event settles it for good
}

func newReactorWork(client *Client, handlers *versioned[Handler]) *reactorWork {
	return &reactorWork{
		client: client, handlers: handlers, metrics: newReactorMetrics(), tasks: map[uint64]*reactorTask{},
	}
}

// begin takes a delivery in hand. One that is in hand already, since its time was up or the connection broke, is
// settled where it was delivered last.
func (w *reactorWork) begin(ctx context.Context, session *reactorSession, delivery Delivery) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	task := w.tasks[delivery.Event.Position]
	if task == nil {
		task = &reactorTask{}
		w.tasks[delivery.Event.Position] = task
	}
	task.session, task.try = session, delivery.Try
	if task.inHand {
		return
	}
	task.inHand = true
	w.metrics.began()
	w.running.Go(func() {
		err := w.handle(ctx, task, delivery.Event)
		w.settle(delivery.Event.Position, task, err)
	})
}

// handle calls the handlers that have not succeeded yet. The first failure counts, unless one asks to park or
// skip, which ends it at once.
func (w *reactorWork) handle(ctx context.Context, task *reactorTask, event *RecordedEvent) error {
	var shaped *RecordedEvent
	err := guarded(func() (err error) {
		shaped, err = w.client.upcasters.upcast(w.client.log, event)
		return err
	})
	if err != nil {
		return err
	}
	handlers := w.handlers.lookup(w.client.log, "handler", shaped.Type, shaped.Version())
	if len(handlers) == 0 {
		w.metrics.unhandled()
		return nil
	}
	if task.done == nil {
		task.done = make([]bool, len(handlers))
	}
	var failed error
	called := false
	for i, handler := range handlers {
		if task.done[i] {
			continue
		}
		called = true
		begun := time.Now()
		err := guarded(func() error { return handler(ctx, shaped) })
		w.metrics.called(shaped.Type, time.Since(begun))
		var park *ParkError
		var skip *SkipError
		switch {
		case err == nil:
			task.done[i] = true
		case errors.As(err, &park), errors.As(err, &skip):
			return err
		case failed == nil:
			failed = err
		}
	}
	if called && failed == nil {
		w.metrics.handled()
	}
	return failed
}

// settle says what became of an event, in the session that delivered it last. When that has broken the event
// will be delivered again.
func (w *reactorWork) settle(position uint64, task *reactorTask, err error) {
	w.mutex.Lock()
	task.inHand = false
	session, isLast := task.session, w.maxTries > 0 && task.try >= w.maxTries
	task.isFinal = true
	var nack Nack
	if err != nil {
		nack = nackOf(position, err)
		task.isFinal = nack.Action != NackRetry || isLast
	}
	w.remember(position)
	w.mutex.Unlock()
	w.metrics.ended(err, nack.Action, isLast)
	if err == nil {
		_ = session.Settle([]uint64{position})
		return
	}
	level := slog.LevelDebug
	if nack.Action == NackPark || (nack.Action == NackRetry && isLast) {
		level = slog.LevelWarn // nobody tries it again by himself
	}
	w.client.log.Log(context.Background(), level, "an event was not handled",
		"position", position, "error", err, "parked", level == slog.LevelWarn)
	_ = session.Settle(nil, nack)
}

// note forgets events that are settled for good.
func (w *reactorWork) note(settlement Settlement) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, position := range settlement.Settled {
		if task := w.tasks[position]; task != nil && task.isFinal && !task.inHand {
			delete(w.tasks, position)
		}
	}
	for _, refused := range settlement.NotSettled {
		if task := w.tasks[refused.Position]; task != nil && refused.Reason == AlreadySettled && !task.inHand {
			delete(w.tasks, refused.Position)
		}
	}
}

// remember keeps an event that is not in hand, and forgets the oldest when there are too many.
func (w *reactorWork) remember(position uint64) {
	w.waiting = append(w.waiting, position)
	for len(w.waiting) > rememberedEvents {
		if task := w.tasks[w.waiting[0]]; task != nil && !task.inHand {
			delete(w.tasks, w.waiting[0])
		}
		w.waiting = w.waiting[1:]
	}
}

// finish waits for what is in hand, and tells whether it ended before the time was up.
func (w *reactorWork) finish(working context.Context) bool {
	done := make(chan struct{})
	go func() {
		w.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-working.Done():
		return false
	}
}
