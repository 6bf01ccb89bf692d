package quipu

// Counts of events by type, category and day.

import (
	"context"
	"iter"

	"quipu/client/quipupb"
)

// NamedCount is how many events have a name.
type NamedCount struct {
	// Name is a type or a category.
	Name string
	// Events is how many events.
	Events uint64
}

// DailyCount is how many events were recorded on a day.
type DailyCount struct {
	// Day is the day in UTC, such as `2026-11-21`.
	Day string
	// Events is how many events.
	Events uint64
}

// Statistics counts all events but those of system streams.
type Statistics struct {
	// Events is how many there are.
	Events uint64
	// Types are counts by type, the most frequent first; at most 1,000.
	Types []NamedCount
	// Categories are counts by category, the most frequent first; at most 1,000.
	Categories []NamedCount
	// Days are counts by day, oldest first.
	Days []DailyCount
	// EventsOfOtherTypes and EventsOfOtherCategories are those that are not in Types or Categories, since
	// there are too many.
	EventsOfOtherTypes, EventsOfOtherCategories uint64
	// Streams is how many streams there are, deleted ones included.
	Streams uint64
}

// ListEventTypes gives the types of events that begin with prefix, with how many there are, in the order of
// their names.
func (s *Streams) ListEventTypes(ctx context.Context, prefix string) iter.Seq2[NamedCount, error] {
	return pages(func(token string) ([]NamedCount, string, error) {
		request := &quipupb.StreamsListEventTypesRequest{Prefix: prefix, PageToken: token}
		answer, err := call(ctx, s.client, s.api.ListEventTypes, request)
		return mapped(answer.GetTypes(), namedCountFromWire), answer.GetNextPageToken(), err
	})
}

// Statistics counts events by type, by category and by day.
func (s *Streams) Statistics(ctx context.Context) (Statistics, error) {
	answer, err := call(ctx, s.client, s.api.GetStatistics, &quipupb.StreamsGetStatisticsRequest{})
	if err != nil {
		return Statistics{}, err
	}
	day := func(wire *quipupb.DailyCount) DailyCount { return DailyCount{wire.Day, wire.Events} }
	return Statistics{
		Events:                  answer.Events,
		Types:                   mapped(answer.Types, namedCountFromWire),
		Categories:              mapped(answer.Categories, namedCountFromWire),
		Days:                    mapped(answer.Days, day),
		EventsOfOtherTypes:      answer.EventsOfOtherTypes,
		EventsOfOtherCategories: answer.EventsOfOtherCategories,
		Streams:                 answer.Streams,
	}, nil
}

func namedCountFromWire(wire *quipupb.NamedCount) NamedCount {
	return NamedCount{wire.Name, wire.Events}
}
