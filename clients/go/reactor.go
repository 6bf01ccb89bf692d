package quipu

// A reactor: handlers by event type that run on a consumer group.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultConcurrency = 10
	defaultStopTimeout = 30 * time.Second
)

// Handler deals with an event. It must bear a repetition. An error has the event tried again later and parked
// after the group's last try; [Park] and [Skip] settle it at once. Its context ends when a stop takes too long.
type Handler func(ctx context.Context, event *RecordedEvent) error

// ReactorOptions say how a reactor takes part in its group.
type ReactorOptions struct {
	// Member is the reactor's own name in the group. Empty: made of the host's name and a random id.
	Member string
	// Concurrency is how many events are handled at the same time. 0: 10; at most 10,000.
	Concurrency uint32
	// StopTimeout bounds how long a stop waits for what is in hand. 0: 30 s.
	StopTimeout time.Duration
	// Settings are those of the group, should it not be there yet.
	Settings GroupSettings
	// Start is where the group begins, should it not be there yet. The zero value: with the first event.
	Start Place
}

// Reactor runs handlers on a consumer group. The events of one stream, or whatever the group keeps in order, are
// handled one after the other, different ones side by side. An event for which there is no handler is
// acknowledged.
type Reactor struct {
	client   *Client
	group    string
	options  ReactorOptions
	handlers versioned[Handler]
	work     *reactorWork
	stop     chan struct{}
	stopOnce sync.Once
	hasRun   atomic.Bool
}

// ErrStopTimeout is what Run returns when handlers were still busy at the end of the stop's time limit. Their
// events are delivered again.
var ErrStopTimeout = errors.New("quipu: the reactor's handlers did not end in time")

// NewReactor makes a reactor for the consumer group of this name, which is made if it is not there when Run
// begins.
func NewReactor(client *Client, group string, options ReactorOptions) *Reactor {
	if options.Member == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "member"
		}
		options.Member = host + "-" + NewID()
	}
	options.Concurrency = cmp.Or(options.Concurrency, defaultConcurrency)
	options.StopTimeout = cmp.Or(options.StopTimeout, defaultStopTimeout)
	reactor := &Reactor{client: client, group: group, options: options, stop: make(chan struct{})}
	reactor.work = newReactorWork(client, &reactor.handlers)
	return reactor
}

// On has a handler called for events of this type, of whatever version there is no handler for in particular.
// Several handlers of a type are called in the order of registering. Register before Run.
func (r *Reactor) On(eventType string, handler Handler) { r.OnVersion(eventType, anyVersion, handler) }

// OnVersion has a handler called for events of this type and schema version: that of the event exactly, or its
// major part, `2` for `2.1`.
func (r *Reactor) OnVersion(eventType, version string, handler Handler) {
	r.handlers.add(eventType, version, handler)
}

// Metrics tells what the reactor has done so far.
func (r *Reactor) Metrics() ReactorMetrics { return r.work.metrics.read() }

// Stop ends Run: it takes no new events, and finishes and settles those in hand. It does not wait for that.
func (r *Reactor) Stop() { r.stopOnce.Do(func() { close(r.stop) }) }

// Run handles events until Stop is called or ctx ends, which is a stop too: nil then, or [ErrStopTimeout]. It
// reconnects for as long as it takes, and fails when it is refused: [MemberExists], [GroupNotFound] once the
// group was deleted. A reactor runs once.
func (r *Reactor) Run(ctx context.Context) error {
	if r.hasRun.Swap(true) {
		return invalid("a reactor runs once: make another")
	}
	stopping, stopped := context.WithCancel(ctx)
	defer stopped()
	// What is in hand outlives ctx, for as long as a stop may take.
	working, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	go r.limitStop(stopping, stopped, working, abort)
	err := r.sessions(stopping, working)
	stopped()
	if !r.work.finish(working) && err == nil {
		err = ErrStopTimeout
	}
	return err
}

// limitStop waits for a stop, and ends what is in hand when it takes too long.
func (r *Reactor) limitStop(stopping context.Context, stopped func(), working context.Context, abort func()) {
	select {
	case <-r.stop:
		stopped()
	case <-stopping.Done():
	}
	if sleep(working, r.options.StopTimeout) == nil {
		abort()
	}
}

// sessions takes part in the group, over and over, until a stop or a refusal.
func (r *Reactor) sessions(stopping, working context.Context) error {
	retry := r.client.retry.forever()
	for failures, hasJoined := 1, false; ; failures++ {
		joined, err := r.session(stopping, working)
		if stopping.Err() != nil {
			return nil
		}
		if joined {
			failures, hasJoined = 1, true
		}
		if hasJoined && errors.Is(err, MemberExists) {
			// The server has not noticed yet that the connection before this one is gone.
			err = unavailable("%v", err)
		}
		if !retry.again(stopping, r.client.log, err, failures) {
			return unlessStopped(stopping, err)
		}
	}
}

// prepare makes the group if it is not there and has not been, and notes how often it tries an event.
func (r *Reactor) prepare(ctx context.Context) error {
	if r.work.maxTries > 0 {
		return nil
	}
	group, err := r.client.Consumers.Get(ctx, r.group)
	if errors.Is(err, GroupNotFound) || errors.Is(err, TenantNotFound) {
		group, err = r.client.Consumers.Create(ctx, r.group, r.options.Settings, r.options.Start)
		if errors.Is(err, GroupExists) { // made by another member meanwhile
			group, err = r.client.Consumers.Get(ctx, r.group)
		}
	}
	if err != nil {
		return fmt.Errorf("quipu: preparing consumer group %s: %w", r.group, err)
	}
	r.work.maxTries = group.Settings.MaxTries
	return nil
}

// unlessStopped forgets an error that a stop has caused.
func unlessStopped(stopping context.Context, err error) error {
	if stopping.Err() != nil {
		return nil
	}
	return err
}
