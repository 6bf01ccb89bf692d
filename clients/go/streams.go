package quipu

// What is known of streams, and the beginning and end of their lives.

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"quipu/client/quipupb"
)

// Streams looks streams up by name, and begins and ends their lives.
type Streams struct {
	client *Client
	api    quipupb.StreamsClient
}

// StreamInfo is what is known of a stream.
type StreamInfo struct {
	// Stream is the stream's name.
	Stream string
	// FirstRevision is that of its first readable event. Nil: its metadata hides all of them.
	FirstRevision *uint64
	// HeadRevision is that of its last event. Nil: it has metadata, but no event yet.
	HeadRevision *uint64
	// EventCount is how many events can be read.
	EventCount uint64
	// LastPosition is that of its last event.
	LastPosition uint64
	// FirstRecordedAt and LastRecordedAt are the server's times of its first readable and its last event.
	FirstRecordedAt, LastRecordedAt time.Time
	// Metadata is what its owner says about it. Nil: nothing.
	Metadata *StreamMetadata
}

// StreamMetadata is what is to be done with a stream's events, and what its owner notes about it.
type StreamMetadata struct {
	// MaxAge: events older than this are hidden. 0: none are.
	MaxAge time.Duration
	// MaxCount: only so many of the newest events are shown. 0: all.
	MaxCount uint64
	// TruncateBefore: events before this revision, exclusive, are hidden. 0: none are.
	TruncateBefore uint64
	// Properties are free text pairs; at most 64 KiB together.
	Properties map[string]string
}

// ListStreamsOptions say which streams are listed. The zero value: all but system streams.
type ListStreamsOptions struct {
	// Prefix: only names that begin with this.
	Prefix string
	// Category: only streams of this category.
	Category string
	// IncludeSystem also lists system streams, whose names start with `$`.
	IncludeSystem bool
	// PageSize is how many are asked for at a time. 0: 100; at most 1,000.
	PageSize uint32
}

// Get returns what is known of one stream. [StreamNotFound] when it has neither an event nor metadata,
// [StreamDeleted] or [StreamTombstoned] when it was deleted.
func (s *Streams) Get(ctx context.Context, stream string) (StreamInfo, error) {
	answer, err := call(ctx, s.client, s.api.Get, &quipupb.StreamsGetRequest{Stream: stream})
	if err != nil {
		return StreamInfo{}, err
	}
	wire := answer.Stream
	info := StreamInfo{
		Stream: wire.GetStream(), EventCount: wire.GetEventCount(), LastPosition: wire.GetLastPosition(),
		FirstRecordedAt: timeFromWire(wire.GetFirstRecordedAt()),
		LastRecordedAt:  timeFromWire(wire.GetLastRecordedAt()),
	}
	if wire != nil {
		info.FirstRevision, info.HeadRevision = wire.FirstRevision, wire.HeadRevision
	}
	if metadata := wire.GetMetadata(); metadata != nil {
		info.Metadata = &StreamMetadata{
			MaxAge: metadata.GetMaxAge().AsDuration(), MaxCount: metadata.GetMaxCount(),
			TruncateBefore: metadata.GetTruncateBefore(), Properties: metadata.GetProperties(),
		}
	}
	return info, nil
}

// List gives the names of streams, sorted by bytes. Deleted ones are left out.
func (s *Streams) List(ctx context.Context, options ListStreamsOptions) iter.Seq2[string, error] {
	return pages(func(token string) ([]string, string, error) {
		answer, err := call(ctx, s.client, s.api.List, &quipupb.StreamsListRequest{
			Prefix: options.Prefix, Category: options.Category, IncludeSystem: options.IncludeSystem,
			PageSize: options.PageSize, PageToken: token,
		})
		return answer.GetStreams(), answer.GetNextPageToken(), err
	})
}

// SetMetadata replaces a stream's metadata, also before its first event, and returns the position of the event
// that says so. [WrongExpectedRevision], [StreamTombstoned].
func (s *Streams) SetMetadata(
	ctx context.Context, stream string, metadata StreamMetadata, expected Expected,
) (uint64, error) {
	wire := &quipupb.StreamMetadata{Properties: metadata.Properties}
	if metadata.MaxAge != 0 {
		wire.MaxAge = durationpb.New(metadata.MaxAge)
	}
	if metadata.MaxCount != 0 {
		wire.MaxCount = &metadata.MaxCount
	}
	if metadata.TruncateBefore != 0 {
		wire.TruncateBefore = &metadata.TruncateBefore
	}
	request := &quipupb.StreamsSetMetadataRequest{Stream: stream, Metadata: wire, Expected: expected.toWire()}
	answer, err := call(ctx, s.client, s.api.SetMetadata, request)
	return answer.GetPosition(), err
}

// Delete deletes a stream until an append revives it, and returns the position of the event that says so; its
// revisions then go on, and what was before stays hidden. Again, it changes nothing. [StreamNotFound] when it
// never had an event, [WrongExpectedRevision], [StreamTombstoned].
func (s *Streams) Delete(ctx context.Context, stream string, expected Expected) (uint64, error) {
	request := &quipupb.StreamsDeleteRequest{Stream: stream, Expected: expected.toWire()}
	answer, err := call(ctx, s.client, s.api.Delete, request)
	return answer.GetPosition(), err
}

// Tombstone deletes a stream for good, or a name that must never be used, and returns the position of the event
// that says so: every later append is refused. Again, it changes nothing. [WrongExpectedRevision].
func (s *Streams) Tombstone(ctx context.Context, stream string, expected Expected) (uint64, error) {
	request := &quipupb.StreamsTombstoneRequest{Stream: stream, Expected: expected.toWire()}
	answer, err := call(ctx, s.client, s.api.Tombstone, request)
	return answer.GetPosition(), err
}
