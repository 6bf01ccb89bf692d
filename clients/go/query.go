package quipu

// Which events are meant, and what must hold of them for an append to go in.

import "quipu/client/quipupb"

// Query says which events are meant: those that match at least one item, or all. The zero value asks for
// nothing in particular: a read or subscription takes it as all, a guard refuses it.
type Query struct {
	// Items are alternatives; at most 32 by default.
	Items []QueryItem
	// All means every event. Not together with Items.
	All bool
}

// QueryItem is met by an event that meets every field that is set. At least one must be.
type QueryItem struct {
	// Types: the event's type is one of these; at most 64.
	Types []string
	// Tags: the event has all of these; at most 64.
	Tags []string
	// Categories: the event's stream is of one of these, its name up to the first `-`; at most 64.
	Categories []string
	// StreamPrefix: the name of the event's stream begins with this. Quick when it has a `-`.
	StreamPrefix string
	// CorrelationID: the event has this correlation id.
	CorrelationID string
}

// Match is a query for events that match one of these items.
func Match(items ...QueryItem) Query { return Query{Items: items} }

// OfTypes is a query for events of these types.
func OfTypes(types ...string) Query { return Match(QueryItem{Types: types}) }

// OfTags is a query for events that have all of these tags.
func OfTags(tags ...string) Query { return Match(QueryItem{Tags: tags}) }

func (q Query) toWire() *quipupb.Query {
	wire := &quipupb.Query{}
	if q.All {
		wire.All = &quipupb.Query_All{}
	}
	for _, item := range q.Items {
		wire.Items = append(wire.Items, &quipupb.QueryItem{
			Types: item.Types, Tags: item.Tags, Categories: item.Categories,
			StreamPrefix: item.StreamPrefix, CorrelationId: item.CorrelationID,
		})
	}
	return wire
}

// optionalToWire leaves a query out that asks for nothing in particular.
func (q Query) optionalToWire() *quipupb.Query {
	if !q.All && len(q.Items) == 0 {
		return nil
	}
	return q.toWire()
}

func queryFromWire(wire *quipupb.Query) Query {
	query := Query{All: wire.GetAll() != nil}
	for _, item := range wire.GetItems() {
		query.Items = append(query.Items, QueryItem{
			Types: item.Types, Tags: item.Tags, Categories: item.Categories,
			StreamPrefix: item.StreamPrefix, CorrelationID: item.CorrelationId,
		})
	}
	return query
}

// Guard is what must hold for an append or a transaction to go in, beyond the expected revision. It is judged
// against everything committed before; events of the same request are not counted.
type Guard struct {
	wire *quipupb.Guard
}

// StreamIs holds when a stream, not necessarily one that is appended to, is as expected.
func StreamIs(stream string, expected Expected) Guard {
	guard := &quipupb.Guard_Stream{Stream: stream, Expected: expected.toWire()}
	return Guard{&quipupb.Guard{Kind: &quipupb.Guard_Stream_{Stream: guard}}}
}

// NoneMatch holds when no event after this position, exclusive, matches: the head up to which the caller has
// read, or 0 for all events ever.
func NoneMatch(query Query, after uint64) Guard {
	match := &quipupb.Guard_Match{Query: query.toWire(), AfterPosition: after}
	return Guard{&quipupb.Guard{Kind: &quipupb.Guard_NoneMatch{NoneMatch: match}}}
}

// SomeMatch holds when at least one event after this position, exclusive, matches.
func SomeMatch(query Query, after uint64) Guard {
	match := &quipupb.Guard_Match{Query: query.toWire(), AfterPosition: after}
	return Guard{&quipupb.Guard{Kind: &quipupb.Guard_SomeMatch{SomeMatch: match}}}
}

// CheckpointIs holds when the checkpoint of this name is at this position exactly.
func CheckpointIs(name string, position uint64) Guard {
	checkpoint := &quipupb.Guard_Checkpoint{Name: name, Position: &position}
	return Guard{&quipupb.Guard{Kind: &quipupb.Guard_Checkpoint_{Checkpoint: checkpoint}}}
}

// NoCheckpoint holds when there is no checkpoint of this name.
func NoCheckpoint(name string) Guard {
	checkpoint := &quipupb.Guard_Checkpoint{Name: name}
	return Guard{&quipupb.Guard{Kind: &quipupb.Guard_Checkpoint_{Checkpoint: checkpoint}}}
}

func guardsToWire(guards []Guard) []*quipupb.Guard {
	wire := make([]*quipupb.Guard, len(guards))
	for i, guard := range guards {
		wire[i] = guard.wire
	}
	return wire
}
