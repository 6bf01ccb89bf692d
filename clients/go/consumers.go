package quipu

// The calls about consumer groups: their lives, fetching and settling, what they have parked.

import (
	"cmp"
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"quipu/client/quipupb"
)

// defaultFetchWait is how long the server waits when it is not told.
const defaultFetchWait = 10 * time.Second

// Consumers shares the work of one reactor among the members of a group: each matching event is delivered to
// one of them, and again until it is settled. A [Reactor] is the comfortable way to take part.
type Consumers struct {
	client *Client
	api    quipupb.ConsumersClient
}

// Delivery is an event to deal with, as it was recorded: upcasters are not applied.
type Delivery struct {
	// Event is the event.
	Event *RecordedEvent
	// Try is which try this is, from 1.
	Try uint32
}

// Nack is an event that was not dealt with.
type Nack struct {
	// Position is the event's.
	Position uint64
	// Action is what is to be done. The zero value is to try again.
	Action NackAction
	// Reason says why, in words; it is kept with a parked event. What is longer than 4 KiB is cut.
	Reason string
	// Delay is how long to wait before the next try. 0: the group's backoff.
	Delay time.Duration
}

// NackAction is what is to be done with an event that was not dealt with.
type NackAction int

const (
	// NackRetry tries again later, unless that was the last try: then the event is parked.
	NackRetry NackAction = iota
	// NackPark keeps it aside at once.
	NackPark
	// NackSkip passes over it as if it had been dealt with.
	NackSkip
)

// Settlement is what became of acks and nacks.
type Settlement struct {
	// Settled are positions of events whose settlement, an ack or a nack, is durable.
	Settled []uint64
	// NotSettled is what could not be settled.
	NotSettled []NotSettled
}

// NotSettled is what could not be settled, and why.
type NotSettled struct {
	// Position is what was named.
	Position uint64
	// Reason is why.
	Reason NotSettledReason
}

// NotSettledReason is why a position could not be settled.
type NotSettledReason string

const (
	// NotDelivered: the event was not delivered by this group, or not since it was reset.
	NotDelivered NotSettledReason = "not delivered"
	// AlreadySettled: what was said first counts.
	AlreadySettled NotSettledReason = "already settled"
	// TooLate: the member's time was up, and a nack that comes too late changes nothing.
	TooLate NotSettledReason = "too late"
)

// FetchOptions say how much is fetched. The zero value: 100 deliveries, for whose first it waits 10 s.
type FetchOptions struct {
	// Max is the most deliveries; at most 10,000.
	Max uint32
	// Wait is how long to wait for the first; at most 10 minutes. Negative: the answer comes at once.
	Wait time.Duration
}

// ParkedEvent is an event kept aside.
type ParkedEvent struct {
	// Event is the event, as it was recorded.
	Event *RecordedEvent
	// Reason is what the last nack said, or that the time was up.
	Reason string
	// Tries is how often it was delivered.
	Tries uint32
	// ParkedAt is the server's time of it.
	ParkedAt time.Time
}

// Create makes a group that begins at start. A repetition with the same settings is answered as the first.
// [GroupExists] when there is one of this name with other settings, [TooManyGroups].
func (c *Consumers) Create(
	ctx context.Context, name string, settings GroupSettings, start Place,
) (ConsumerGroup, error) {
	from, err := start.forGroup()
	if err != nil {
		return ConsumerGroup{}, err
	}
	request := &quipupb.ConsumersCreateRequest{Name: name, Settings: settings.toWire(), Start: from}
	answer, err := call(ctx, c.client, c.api.Create, request)
	return groupFromWire(answer.GetGroup()), err
}

// Update changes all of a group's settings but its query and order, which must be as they were. [GroupNotFound].
func (c *Consumers) Update(ctx context.Context, name string, settings GroupSettings) (ConsumerGroup, error) {
	request := &quipupb.ConsumersUpdateRequest{Name: name, Settings: settings.toWire()}
	answer, err := call(ctx, c.client, c.api.Update, request)
	return groupFromWire(answer.GetGroup()), err
}

// Delete deletes a group with what it has parked; its members' calls end with [GroupNotFound].
func (c *Consumers) Delete(ctx context.Context, name string) error {
	_, err := call(ctx, c.client, c.api.Delete, &quipupb.ConsumersDeleteRequest{Name: name})
	return err
}

// Get tells how a group is doing. [GroupNotFound].
func (c *Consumers) Get(ctx context.Context, name string) (ConsumerGroup, error) {
	answer, err := call(ctx, c.client, c.api.Get, &quipupb.ConsumersGetRequest{Name: name})
	return groupFromWire(answer.GetGroup()), err
}

// List gives the groups whose names begin with prefix, in the order of their names.
func (c *Consumers) List(ctx context.Context, prefix string) iter.Seq2[ConsumerGroup, error] {
	return pages(func(token string) ([]ConsumerGroup, string, error) {
		request := &quipupb.ConsumersListRequest{Prefix: prefix, PageToken: token}
		answer, err := call(ctx, c.client, c.api.List, request)
		return mapped(answer.GetGroups(), groupFromWire), answer.GetNextPageToken(), err
	})
}

// Pause stops deliveries; what is in flight may still be settled. [GroupNotFound].
func (c *Consumers) Pause(ctx context.Context, name string) error {
	_, err := call(ctx, c.client, c.api.Pause, &quipupb.ConsumersPauseRequest{Name: name})
	return err
}

// Resume goes on with deliveries. [GroupNotFound].
func (c *Consumers) Resume(ctx context.Context, name string) error {
	_, err := call(ctx, c.client, c.api.Resume, &quipupb.ConsumersResumeRequest{Name: name})
	return err
}

// Reset begins anew at another place and returns the position up to which everything counts as settled. What is
// in flight or waits for another try is forgotten, what is parked stays. [GroupNotFound], [BeyondEnd].
func (c *Consumers) Reset(ctx context.Context, name string, start Place) (uint64, error) {
	from, err := start.forGroup()
	if err != nil {
		return 0, err
	}
	answer, err := call(ctx, c.client, c.api.Reset, &quipupb.ConsumersResetRequest{Name: name, Start: from})
	return answer.GetSettledPosition(), err
}

// Fetch asks for deliveries and waits until there is at least one, or the time is up. Settle them with Ack.
// [GroupNotFound], [MemberExists].
func (c *Consumers) Fetch(ctx context.Context, group, member string, options FetchOptions) ([]Delivery, error) {
	request := &quipupb.ConsumersFetchRequest{Group: group, Member: member, Max: options.Max}
	if options.Wait != 0 {
		request.Timeout = durationpb.New(max(options.Wait, 0))
	}
	longer := max(cmp.Or(options.Wait, defaultFetchWait), 0)
	answer, err := callFor(ctx, c.client, longer, c.api.Fetch, request)
	if err != nil {
		return nil, err
	}
	return deliveriesFromWire(answer.Deliveries)
}

// Ack settles deliveries of Fetch, durable before the answer. One that a lost try has settled is told as
// [AlreadySettled]. [GroupNotFound].
func (c *Consumers) Ack(
	ctx context.Context, group, member string, acks []uint64, nacks ...Nack,
) (Settlement, error) {
	answer, err := call(ctx, c.client, c.api.Ack, &quipupb.ConsumersAckRequest{
		Group: group, Member: member, Ack: acks, Nack: mapped(nacks, Nack.toWire),
	})
	if err != nil {
		return Settlement{}, err
	}
	return Settlement{answer.Settled, mapped(answer.NotSettled, notSettledFromWire)}, nil
}

// ListParked gives parked events in the order of the log. [GroupNotFound].
func (c *Consumers) ListParked(ctx context.Context, group string) iter.Seq2[ParkedEvent, error] {
	return pages(func(token string) ([]ParkedEvent, string, error) {
		request := &quipupb.ConsumersListParkedRequest{Group: group, PageToken: token}
		answer, err := call(ctx, c.client, c.api.ListParked, request)
		if err != nil {
			return nil, "", err
		}
		parked := make([]ParkedEvent, len(answer.Events))
		for i, wire := range answer.Events {
			event, err := eventFromWire(wire.Event)
			if err != nil {
				return nil, "", err
			}
			parked[i] = ParkedEvent{event, wire.Reason, wire.Tries, timeFromWire(wire.ParkedAt)}
		}
		return parked, answer.NextPageToken, nil
	})
}

// ReplayParked has parked events delivered again, with their tries counted anew, and returns how many: those at
// these positions, or all when none is named. [NotParked] when one of them is not parked; then nothing is
// replayed. It is tried once, since a repetition would not find them parked.
func (c *Consumers) ReplayParked(ctx context.Context, group string, positions ...uint64) (uint64, error) {
	request := &quipupb.ConsumersReplayParkedRequest{Group: group, Positions: positions}
	answer, err := callOnce(ctx, c.client, c.api.ReplayParked, request)
	return answer.GetReplayed(), err
}

// DiscardParked forgets parked events likewise and returns how many.
func (c *Consumers) DiscardParked(ctx context.Context, group string, positions ...uint64) (uint64, error) {
	request := &quipupb.ConsumersDiscardParkedRequest{Group: group, Positions: positions}
	answer, err := callOnce(ctx, c.client, c.api.DiscardParked, request)
	return answer.GetDiscarded(), err
}

func (n Nack) toWire() *quipupb.Nack {
	wire := &quipupb.Nack{Position: n.Position, Reason: n.Reason, Action: quipupb.NackAction_NACK_ACTION_RETRY}
	switch n.Action {
	case NackPark:
		wire.Action = quipupb.NackAction_NACK_ACTION_PARK
	case NackSkip:
		wire.Action = quipupb.NackAction_NACK_ACTION_SKIP
	}
	if n.Delay > 0 {
		wire.Delay = durationpb.New(n.Delay)
	}
	return wire
}

func notSettledFromWire(wire *quipupb.NotSettled) NotSettled {
	reason := NotDelivered
	switch wire.Reason {
	case quipupb.NotSettledReason_NOT_SETTLED_REASON_ALREADY_SETTLED:
		reason = AlreadySettled
	case quipupb.NotSettledReason_NOT_SETTLED_REASON_TOO_LATE:
		reason = TooLate
	}
	return NotSettled{wire.Position, reason}
}

func deliveriesFromWire(wire []*quipupb.Delivery) ([]Delivery, error) {
	deliveries := make([]Delivery, len(wire))
	for i, delivery := range wire {
		event, err := eventFromWire(delivery.Event)
		if err != nil {
			return nil, err
		}
		deliveries[i] = Delivery{event, delivery.TryNumber}
	}
	return deliveries, nil
}
