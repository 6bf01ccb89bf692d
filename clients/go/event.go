package quipu

// Events: as a client proposes them, and as the store holds them.

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quipu/client/quipupb"
)

// NewEvent is an event as a client proposes it. Only Type is required.
type NewEvent struct {
	// ID is a UUID. Empty: one is made before the first try. Set it with NewID to repeat an append yourself.
	ID string
	// Type says what happened, such as `OrderPlaced`; 1 to 256 bytes.
	Type string
	// Data is the payload: []byte and json.RawMessage go as they are, nil is empty, anything else goes through
	// encoding/json. At most 4 MiB by default.
	Data any
	// ContentType is the media type of Data. Empty: `application/json`.
	ContentType string
	// Metadata are free text pairs; at most 64 KiB together.
	Metadata map[string]string
	// SchemaVersion is the version of the payload's shape, such as `2.1`. Empty: `1`.
	SchemaVersion string
	// CorrelationID ties together all events of one business conversation; at most 256 bytes.
	CorrelationID string
	// CausationID is the id of the message or event that led to this one; at most 256 bytes.
	CausationID string
	// Tags are labels to find the event by, `key:value` by convention; at most 64, none twice.
	Tags []string
	// OccurredAt is when it happened in the world. Zero: when it is recorded.
	OccurredAt time.Time
}

// RecordedEvent is an event as the store holds it: the client's fields, then the server's. Fields that the
// client left empty are empty.
type RecordedEvent struct {
	// ID is the event's UUID, lower case with hyphens.
	ID string
	// Type says what happened.
	Type string
	// Data is the payload.
	Data []byte
	// ContentType is the media type of Data. Empty means `application/json`.
	ContentType string
	// Metadata are free text pairs.
	Metadata map[string]string
	// SchemaVersion is the version of the payload's shape. Empty means `1`: see Version.
	SchemaVersion string
	// CorrelationID ties together all events of one business conversation.
	CorrelationID string
	// CausationID is the id of the message or event that led to this one.
	CausationID string
	// Tags are labels.
	Tags []string
	// OccurredAt is when it happened in the world. Zero: when it was recorded.
	OccurredAt time.Time
	// Stream is the name of the stream that the event belongs to.
	Stream string
	// Revision is the event's place in its stream; the first is 0, with no gaps.
	Revision uint64
	// Position is the event's place in the log of its tenant; the first is 1, with no gaps.
	Position uint64
	// RecordedAt is the server's time of the commit. It never decreases along the log.
	RecordedAt time.Time
}

// NewID makes an event id: a random UUID (version 4).
func NewID() string { return uuid.NewString() }

// Decode fills a value from a JSON payload.
func (e *RecordedEvent) Decode(into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("quipu: %s at position %d does not decode: %w", e.Type, e.Position, err)
	}
	return nil
}

// Version is the schema version, `1` where none was given.
func (e *RecordedEvent) Version() string {
	if e.SchemaVersion == "" {
		return "1"
	}
	return e.SchemaVersion
}

// eventsToWire gives every event its id, so it comes before the first try.
func eventsToWire(events []NewEvent) ([]*quipupb.NewEvent, error) {
	wire := make([]*quipupb.NewEvent, len(events))
	for i, event := range events {
		data, err := payload(event.Data)
		if err != nil {
			return nil, invalidBecause(err, "event %d, %s, does not encode", i, event.Type)
		}
		if event.ID == "" {
			event.ID = NewID()
		}
		wire[i] = &quipupb.NewEvent{
			Id: event.ID, Type: event.Type, Data: data, ContentType: event.ContentType, Metadata: event.Metadata,
			SchemaVersion: event.SchemaVersion, CorrelationId: event.CorrelationID, CausationId: event.CausationID,
			Tags: event.Tags, OccurredAt: timeToWire(event.OccurredAt),
		}
	}
	return wire, nil
}

// payload encodes what a caller gave as data.
func payload(data any) ([]byte, error) {
	switch data := data.(type) {
	case nil:
		return nil, nil
	case []byte:
		return data, nil
	case json.RawMessage:
		return data, nil
	}
	return json.Marshal(data)
}

func eventFromWire(wire *quipupb.RecordedEvent) (*RecordedEvent, error) {
	if wire.GetId() == "" || wire.Revision == nil || wire.RecordedAt == nil {
		return nil, badAnswer("an event is incomplete")
	}
	return &RecordedEvent{
		ID: wire.Id, Type: wire.Type, Data: wire.Data, ContentType: wire.ContentType, Metadata: wire.Metadata,
		SchemaVersion: wire.SchemaVersion, CorrelationID: wire.CorrelationId, CausationID: wire.CausationId,
		Tags: wire.Tags, OccurredAt: timeFromWire(wire.OccurredAt),
		Stream: wire.Stream, Revision: *wire.Revision, Position: wire.Position,
		RecordedAt: timeFromWire(wire.RecordedAt),
	}, nil
}

func timeToWire(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

func timeFromWire(at *timestamppb.Timestamp) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.AsTime()
}
