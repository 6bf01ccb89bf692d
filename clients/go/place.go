package quipu

// Where a read, a subscription, a replay or a consumer group begins.

import (
	"time"

	"quipu/client/quipupb"
)

// Place is where to begin. The zero value is the start; for a backwards read, the end. `From` includes the
// place that it names, `After` does not.
type Place struct {
	kind   placeKind
	number uint64
	time   time.Time
}

type placeKind string

const (
	placeUnset         placeKind = ""
	placeStart         placeKind = "the start"
	placeEnd           placeKind = "the end"
	placeFromRevision  placeKind = "from a revision"
	placeAfterRevision placeKind = "after a revision"
	placeFromPosition  placeKind = "from a position"
	placeAfterPosition placeKind = "after a position"
	placeFromTime      placeKind = "from a time"
)

// Start is before the first event.
func Start() Place { return Place{kind: placeStart} }

// End is after the last event.
func End() Place { return Place{kind: placeEnd} }

// FromRevision begins at this revision, inclusive. For reads of a stream.
func FromRevision(revision uint64) Place { return Place{kind: placeFromRevision, number: revision} }

// AfterRevision begins behind this revision, exclusive. For subscriptions to a stream.
func AfterRevision(revision uint64) Place { return Place{kind: placeAfterRevision, number: revision} }

// FromPosition begins at this position, inclusive. For reads of the log.
func FromPosition(position uint64) Place { return Place{kind: placeFromPosition, number: position} }

// AfterPosition begins behind this position, exclusive; 0 is the start. For subscriptions to the log, consumer
// groups and replays.
func AfterPosition(position uint64) Place { return Place{kind: placeAfterPosition, number: position} }

// FromTime begins with the first event recorded at this time or later; a backwards read, with the last event
// recorded at this time or before. Not for streams.
func FromTime(at time.Time) Place { return Place{kind: placeFromTime, time: at} }

func (p Place) refused(by string) error { return invalid("%s can not begin %s", by, p.kind) }

func (p Place) forReadStream(request *quipupb.ReadStreamRequest) error {
	switch p.kind {
	case placeUnset:
	case placeStart:
		request.From = &quipupb.ReadStreamRequest_Start{Start: &quipupb.Start{}}
	case placeEnd:
		request.From = &quipupb.ReadStreamRequest_End{End: &quipupb.End{}}
	case placeFromRevision:
		request.From = &quipupb.ReadStreamRequest_FromRevision{FromRevision: p.number}
	default:
		return p.refused("a read of a stream")
	}
	return nil
}

func (p Place) forReadAll(request *quipupb.ReadAllRequest) error {
	switch p.kind {
	case placeUnset:
	case placeStart:
		request.From = &quipupb.ReadAllRequest_Start{Start: &quipupb.Start{}}
	case placeEnd:
		request.From = &quipupb.ReadAllRequest_End{End: &quipupb.End{}}
	case placeFromPosition:
		request.From = &quipupb.ReadAllRequest_FromPosition{FromPosition: p.number}
	case placeFromTime:
		request.From = &quipupb.ReadAllRequest_FromTime{FromTime: timeToWire(p.time)}
	default:
		return p.refused("a read of the log")
	}
	return nil
}

func (p Place) forSubscribeAll(request *quipupb.SubscribeAllRequest) error {
	switch p.kind {
	case placeUnset, placeStart:
		request.From = &quipupb.SubscribeAllRequest_Start{Start: &quipupb.Start{}}
	case placeEnd:
		request.From = &quipupb.SubscribeAllRequest_End{End: &quipupb.End{}}
	case placeAfterPosition:
		request.From = &quipupb.SubscribeAllRequest_AfterPosition{AfterPosition: p.number}
	case placeFromTime:
		request.From = &quipupb.SubscribeAllRequest_FromTime{FromTime: timeToWire(p.time)}
	default:
		return p.refused("a subscription to the log")
	}
	return nil
}

func (p Place) forSubscribeStream(request *quipupb.SubscribeStreamRequest) error {
	switch p.kind {
	case placeUnset, placeStart:
		request.From = &quipupb.SubscribeStreamRequest_Start{Start: &quipupb.Start{}}
	case placeEnd:
		request.From = &quipupb.SubscribeStreamRequest_End{End: &quipupb.End{}}
	case placeAfterRevision:
		request.From = &quipupb.SubscribeStreamRequest_AfterRevision{AfterRevision: p.number}
	default:
		return p.refused("a subscription to a stream")
	}
	return nil
}

func (p Place) forGroup() (*quipupb.ConsumerGroupStart, error) {
	switch p.kind {
	case placeUnset, placeStart:
		return &quipupb.ConsumerGroupStart{From: &quipupb.ConsumerGroupStart_Start{Start: &quipupb.Start{}}}, nil
	case placeEnd:
		return &quipupb.ConsumerGroupStart{From: &quipupb.ConsumerGroupStart_End{End: &quipupb.End{}}}, nil
	case placeAfterPosition:
		return &quipupb.ConsumerGroupStart{
			From: &quipupb.ConsumerGroupStart_AfterPosition{AfterPosition: p.number},
		}, nil
	case placeFromTime:
		return &quipupb.ConsumerGroupStart{
			From: &quipupb.ConsumerGroupStart_FromTime{FromTime: timeToWire(p.time)},
		}, nil
	}
	return nil, p.refused("a consumer group")
}
