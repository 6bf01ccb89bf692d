package quipu

// One call's worth of a reactor: deliveries come in, settlements go out.

import (
	"context"
	"io"
	"sync"
)

// reactorSession is a membership with what it has delivered and what is not settled yet.
type reactorSession struct {
	*Membership
	mutex   sync.Mutex
	open    map[uint64]bool // positions delivered and not known to be settled
	isOver  bool            // no more is to come: the last one to settle closes
	drained chan struct{}   // closed once isOver and nothing is open
}

// session takes part until the call breaks or, after a stop, everything in hand is settled: nil then. It tells
// whether the server let it in.
func (r *Reactor) session(stopping, working context.Context) (joined bool, err error) {
	if err := r.prepare(stopping); err != nil {
		return false, err
	}
	membership, err := r.client.Consumers.Consume(working, r.group, r.options.Member, r.options.Concurrency)
	if err != nil {
		return false, err
	}
	session := &reactorSession{Membership: membership, open: map[uint64]bool{}, drained: make(chan struct{})}
	over := make(chan struct{})
	var draining sync.WaitGroup
	draining.Go(func() { drain(stopping, working, session, over) })
	defer draining.Wait()
	defer close(over)
	defer session.Leave()
	for {
		received, err := session.Receive()
		if err == io.EOF && stopping.Err() != nil {
			return joined, nil
		}
		if err == io.EOF {
			err = unavailable("the server ended the membership")
		}
		if err != nil {
			return joined, err
		}
		joined = true
		for _, delivery := range received.Deliveries {
			if !session.take(delivery.Event.Position) {
				return joined, nil // half-closed: whatever comes now is somebody else's
			}
			r.work.begin(working, session, delivery)
		}
		r.work.note(received.Settlement)
		session.note(received.Settlement)
	}
}

// drain waits for a stop, has the server deliver no more, and ends the call once nothing is open any more or
// the time is up.
func drain(stopping, working context.Context, session *reactorSession, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-stopping.Done():
	}
	if session.SetCredits(0) != nil {
		session.Leave()
		return
	}
	session.finish()
	select {
	case <-over:
		return
	case <-working.Done():
	case <-session.drained:
		if session.CloseSend() == nil {
			select {
			case <-over:
				return
			case <-working.Done():
			}
		}
	}
	session.Leave()
}

// take notes a delivery; false: the session has said that it will settle nothing more.
func (s *reactorSession) take(position uint64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isOver && len(s.open) == 0 {
		return false
	}
	s.open[position] = true
	return true
}

// note takes what is settled off the list.
func (s *reactorSession) note(settlement Settlement) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	before := len(s.open)
	for _, position := range settlement.Settled {
		delete(s.open, position)
	}
	for _, refused := range settlement.NotSettled {
		delete(s.open, refused.Position)
	}
	if s.isOver && before > 0 && len(s.open) == 0 {
		close(s.drained)
	}
}

// finish has drained closed as soon as nothing is open.
func (s *reactorSession) finish() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.isOver = true
	if len(s.open) == 0 {
		close(s.drained)
	}
}
