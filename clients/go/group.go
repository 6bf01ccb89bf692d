package quipu

// How a consumer group works, and how it is doing.

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"quipu/client/quipupb"
)

// GroupSettings say how a consumer group works. The zero value: all events, those of each stream in order, with
// the server's defaults.
type GroupSettings struct {
	// Query: only events that match. The zero value: all. It can not be changed later.
	Query Query
	// Order is what is delivered in order. It can not be changed later.
	Order Order
	// AckTimeout is how long a member may take to settle an event before it is delivered again, as another try.
	// 0: 30 s; 100 ms to 12 h.
	AckTimeout time.Duration
	// MaxTries: after so many an event is parked. 0: 10; at most 1,000.
	MaxTries uint32
	// Backoff is the wait before the second try; doubled for each further one. 0: 200 ms.
	Backoff time.Duration
	// BackoffMax is the longest wait between tries. 0: 30 s; at most 12 h.
	BackoffMax time.Duration
	// MaxOutstanding is how many events may be taken from the log and not be settled yet. 0: 10,000; at most
	// 100,000.
	MaxOutstanding uint32
}

// Order is what a group delivers in order. The zero value is ByStream.
type Order struct {
	unordered bool
	tagKey    string
}

// ByStream delivers the events of each stream in order.
func ByStream() Order { return Order{} }

// ByTagKey delivers events with the same value of the tag with this key, the part before the `:`, in order.
func ByTagKey(key string) Order { return Order{tagKey: key} }

// Unordered delivers every event for itself.
func Unordered() Order { return Order{unordered: true} }

// ConsumerGroup is how a group is doing.
type ConsumerGroup struct {
	// Name is the group's name.
	Name string
	// Settings are how it works, with defaults filled in.
	Settings GroupSettings
	// CreatedAt is the server's time of its making.
	CreatedAt time.Time
	// IsPaused: deliveries are stopped.
	IsPaused bool
	// SettledPosition: everything up to here, inclusive, is settled, parked or does not match.
	SettledPosition uint64
	// ReadPosition is how far the group has read the log.
	ReadPosition uint64
	// Head is that of the log.
	Head uint64
	// Outstanding is how many events are read and not settled, in flight ones among them.
	Outstanding uint64
	// InFlight is how many events a member has and has not settled.
	InFlight uint64
	// Retrying is how many events wait for another try.
	Retrying uint64
	// Parked is how many events were parked.
	Parked uint64
	// OldestUnsettled is the oldest event that is not settled. Nil: there is none among those read.
	OldestUnsettled *OldestUnsettled
	// Members are in the order of their names.
	Members []GroupMember
	// Counts are since the server started.
	Counts GroupCounts
}

// OldestUnsettled is the oldest event that is not settled.
type OldestUnsettled struct {
	// Position is the event's.
	Position uint64
	// RecordedAt is when it was recorded: its age tells how far the group is behind.
	RecordedAt time.Time
	// Tries is how often it was delivered.
	Tries uint32
}

// GroupMember is somebody who takes part in a group.
type GroupMember struct {
	// Name is the member's name.
	Name string
	// Credits is how many events it wants to have in flight.
	Credits uint32
	// InFlight is how many it has.
	InFlight uint32
}

// GroupCounts is what a group has done since the server started.
type GroupCounts struct {
	// Delivered counts deliveries, repeated ones among them.
	Delivered uint64
	// Acknowledged counts events acknowledged.
	Acknowledged uint64
	// Skipped counts events skipped.
	Skipped uint64
	// Retried counts deliveries that were to be tried again, whose time was up, or whose member went away.
	Retried uint64
	// Parked counts events parked.
	Parked uint64
}

func (s GroupSettings) toWire() *quipupb.ConsumerGroupSettings {
	wire := &quipupb.ConsumerGroupSettings{
		Query: s.Query.optionalToWire(), AckTimeout: durationToWire(s.AckTimeout), MaxTries: s.MaxTries,
		Backoff: durationToWire(s.Backoff), BackoffMax: durationToWire(s.BackoffMax), MaxOutstanding: s.MaxOutstanding,
	}
	switch {
	case s.Order.unordered:
		wire.Order = &quipupb.ConsumerGroupSettings_Unordered_{Unordered: &quipupb.ConsumerGroupSettings_Unordered{}}
	case s.Order.tagKey != "":
		wire.Order = &quipupb.ConsumerGroupSettings_ByTagKey{ByTagKey: s.Order.tagKey}
	}
	return wire
}

func settingsFromWire(wire *quipupb.ConsumerGroupSettings) GroupSettings {
	return GroupSettings{
		Query:          queryFromWire(wire.GetQuery()),
		Order:          Order{unordered: wire.GetUnordered() != nil, tagKey: wire.GetByTagKey()},
		AckTimeout:     wire.GetAckTimeout().AsDuration(),
		MaxTries:       wire.GetMaxTries(),
		Backoff:        wire.GetBackoff().AsDuration(),
		BackoffMax:     wire.GetBackoffMax().AsDuration(),
		MaxOutstanding: wire.GetMaxOutstanding(),
	}
}

func groupFromWire(wire *quipupb.ConsumerGroup) ConsumerGroup {
	group := ConsumerGroup{
		Name: wire.GetName(), Settings: settingsFromWire(wire.GetSettings()),
		CreatedAt: timeFromWire(wire.GetCreatedAt()), IsPaused: wire.GetIsPaused(),
		SettledPosition: wire.GetSettledPosition(), ReadPosition: wire.GetReadPosition(), Head: wire.GetHead(),
		Outstanding: wire.GetOutstanding(), InFlight: wire.GetInFlight(), Retrying: wire.GetRetrying(),
		Parked:  wire.GetParked(),
		Members: mapped(wire.GetMembers(), memberFromWire),
	}
	if oldest := wire.GetOldestUnsettled(); oldest != nil {
		group.OldestUnsettled = &OldestUnsettled{oldest.Position, timeFromWire(oldest.RecordedAt), oldest.Tries}
	}
	counts := wire.GetCounts()
	group.Counts = GroupCounts{
		Delivered: counts.GetDelivered(), Acknowledged: counts.GetAcknowledged(), Skipped: counts.GetSkipped(),
		Retried: counts.GetRetried(), Parked: counts.GetParked(),
	}
	return group
}

func memberFromWire(wire *quipupb.ConsumerGroupMember) GroupMember {
	return GroupMember{wire.Name, wire.Credits, wire.InFlight}
}

// durationToWire leaves a duration out that is not set.
func durationToWire(duration time.Duration) *durationpb.Duration {
	if duration == 0 {
		return nil
	}
	return durationpb.New(duration)
}
