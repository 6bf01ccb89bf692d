package quipu

// What a reactor has done, to be read at any time.

import (
	"maps"
	"sync"
	"time"
)

// ReactorMetrics is what a reactor has done since it was made.
type ReactorMetrics struct {
	// Handled counts events that all their handlers have dealt with.
	Handled uint64
	// Failed counts tries that are to be made again, or that were the last.
	Failed uint64
	// Parked counts events kept aside: by Park, or after the last try.
	Parked uint64
	// Skipped counts events passed over by Skip.
	Skipped uint64
	// Unhandled counts events without a handler.
	Unhandled uint64
	// InFlight is how many events are in hand.
	InFlight int
	// HandlerTime is by event type.
	HandlerTime map[string]HandlerTime
}

// HandlerTime is how long handlers took.
type HandlerTime struct {
	// Count is how many calls.
	Count uint64
	// Sum is how long they took together.
	Sum time.Duration
	// Max is how long the longest took.
	Max time.Duration
}

type reactorMetrics struct {
	mutex sync.Mutex
	now   ReactorMetrics
}

func newReactorMetrics() *reactorMetrics {
	return &reactorMetrics{now: ReactorMetrics{HandlerTime: map[string]HandlerTime{}}}
}

func (m *reactorMetrics) read() ReactorMetrics {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	metrics := m.now
	metrics.HandlerTime = maps.Clone(m.now.HandlerTime)
	return metrics
}

func (m *reactorMetrics) change(change func(now *ReactorMetrics)) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	change(&m.now)
}

func (m *reactorMetrics) began()     { m.change(func(now *ReactorMetrics) { now.InFlight++ }) }
func (m *reactorMetrics) handled()   { m.change(func(now *ReactorMetrics) { now.Handled++ }) }
func (m *reactorMetrics) unhandled() { m.change(func(now *ReactorMetrics) { now.Unhandled++ }) }

// called counts a call of a handler.
func (m *reactorMetrics) called(eventType string, took time.Duration) {
	m.change(func(now *ReactorMetrics) {
		spent := now.HandlerTime[eventType]
		now.HandlerTime[eventType] = HandlerTime{spent.Count + 1, spent.Sum + took, max(spent.Max, took)}
	})
}

// ended counts how a try ended.
func (m *reactorMetrics) ended(err error, action NackAction, isLast bool) {
	m.change(func(now *ReactorMetrics) {
		now.InFlight--
		switch {
		case err == nil:
		case action == NackPark:
			now.Parked++
		case action == NackSkip:
			now.Skipped++
		default:
			now.Failed++
			if isLast {
				now.Parked++
			}
		}
	})
}
