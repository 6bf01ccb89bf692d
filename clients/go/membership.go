package quipu

// Taking part in a consumer group over one call.

import (
	"context"
	"io"
	"sync"

	"google.golang.org/grpc"

	"quipu/client/quipupb"
)

// Membership is taking part in a consumer group over one call. Receive is for one goroutine at a time; the other
// methods are for any. When the call breaks, what is in flight is delivered again: join anew, or use a [Reactor].
type Membership struct {
	watch   *watch
	call    grpc.BidiStreamingClient[quipupb.ConsumersConsumeRequest, quipupb.ConsumersConsumeResponse]
	sending sync.Mutex
}

// Received is what a member is told. Without any part it is a sign of life.
type Received struct {
	// Deliveries are events to deal with.
	Deliveries []Delivery
	// Settlement is what became of acks and nacks.
	Settlement
}

// Consume takes part in a group under a member's name, with at most so many events in flight; 0: 100, at most
// 10,000. The server's refusal comes with the first Receive: [GroupNotFound], [MemberExists]. Leave it in the end.
func (c *Consumers) Consume(ctx context.Context, group, member string, credits uint32) (*Membership, error) {
	watch := newWatch(ctx, c.client.silence)
	stream, err := c.api.Consume(watch.ctx)
	if err != nil {
		defer watch.close()
		return nil, watch.failure(err)
	}
	join := &quipupb.ConsumersConsumeRequest_Join{Group: group, Member: member}
	if credits > 0 {
		join.Credits = &credits
	}
	membership := &Membership{watch: watch, call: stream}
	err = membership.send(&quipupb.ConsumersConsumeRequest{Kind: &quipupb.ConsumersConsumeRequest_Join_{Join: join}})
	if err != nil {
		watch.close()
		return nil, err
	}
	return membership, nil
}

// Receive waits for what comes next. io.EOF after CloseSend, once everything is settled; any other error ends
// the membership.
func (m *Membership) Receive() (Received, error) {
	var isOver bool
	message, err := receive(m.watch, func() (*quipupb.ConsumersConsumeResponse, error) {
		message, err := m.call.Recv()
		isOver = err == io.EOF
		return message, err
	})
	if isOver {
		return Received{}, io.EOF
	}
	if err != nil {
		return Received{}, err
	}
	deliveries, err := deliveriesFromWire(message.Deliveries)
	if err != nil {
		return Received{}, err
	}
	settlement := Settlement{message.Settled, mapped(message.NotSettled, notSettledFromWire)}
	return Received{deliveries, settlement}, nil
}

// Settle says what became of deliveries. What the server made of it comes with Receive.
func (m *Membership) Settle(acks []uint64, nacks ...Nack) error {
	settle := &quipupb.Settle{Ack: acks, Nack: mapped(nacks, Nack.toWire)}
	return m.send(&quipupb.ConsumersConsumeRequest{Kind: &quipupb.ConsumersConsumeRequest_Settle{Settle: settle}})
}

// SetCredits changes how many events the member wants to have in flight. 0: no more for now.
func (m *Membership) SetCredits(credits uint32) error {
	kind := &quipupb.ConsumersConsumeRequest_Credits{Credits: credits}
	return m.send(&quipupb.ConsumersConsumeRequest{Kind: kind})
}

// CloseSend says that nothing more will be said: settle everything before. Receive then comes to io.EOF.
func (m *Membership) CloseSend() error {
	m.sending.Lock()
	defer m.sending.Unlock()
	return m.watch.failure(m.call.CloseSend())
}

// Leave ends the call at once. What is in flight is delivered again, to whoever is there.
func (m *Membership) Leave() { m.watch.close() }

func (m *Membership) send(message *quipupb.ConsumersConsumeRequest) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	err := m.call.Send(message)
	if err == io.EOF { // the cause comes with Receive
		return unavailable("the membership has ended")
	}
	return m.watch.failure(err)
}
