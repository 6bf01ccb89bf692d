// Package event is the vocabulary of the platform: its 17 event types with their payloads, how a payload becomes an
// event that may be appended, and how a recorded event becomes a payload again.
//
// There is no other way in or out: Seal and Open check the contract, pack and unpack.
package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/contract"
	"quipu/examples/ml-platform/internal/packing"
)

const (
	// sourceKey is the metadata key that says where an event comes from, if not from the platform itself.
	sourceKey = "source"
	// SourceHistory marks events that were imported from the time before the platform.
	SourceHistory = "history"
)

// namespace is that of the ids that are made of a command's.
var namespace = uuid.MustParse("5a0f8f0e-6a0d-4c6e-9d0a-2f5f3f1f7b11")

// Payload is what an event says.
type Payload interface {
	// EventType is the event's type.
	EventType() string
	// Version is the version of the payload's shape.
	Version() string
}

// v1 is the version of most payloads.
type v1 struct{}

// Version is the first.
func (v1) Version() string { return "1" }

// Command is what asks for a change: its events carry who asked, why and when.
type Command struct {
	// ID names the command, so that a repetition makes the same events with the same ids.
	ID string
	// Correlation ties together what belongs to one endeavour, such as the making of a model.
	Correlation string
	// Causation is the id of the event that led to this command. Empty: somebody outside.
	Causation string
	// At is business time: when it happened in the world.
	At time.Time
	// Every is how far apart its events happened, where there are several.
	Every time.Duration
	// Tags are labels to find the events by.
	Tags []string
	// Source says where it comes from. Empty: the platform itself.
	Source string
}

// CausedBy is the command that follows from an event: it belongs to the same endeavour and happens at once. That it
// says nothing of the present is what makes a repetition the same.
func CausedBy(cause *quipu.RecordedEvent, purpose string) Command {
	return Command{
		ID: purpose + ":" + cause.ID, Correlation: cause.CorrelationID, Causation: cause.ID,
		At: HappenedAt(cause), Source: cause.Metadata[sourceKey],
	}
}

// EventID is the id of the event with this index among those of a command.
func (c Command) EventID(index int) string { return DerivedID(c.ID, strconv.Itoa(index)) }

// DerivedID makes the same id of the same parts, always.
func DerivedID(parts ...string) string {
	return uuid.NewSHA1(namespace, []byte(strings.Join(parts, "\x00"))).String()
}

// Seal makes events of what a command has led to: checked by contract, packed, with ids of the command's. It fails
// with a [*contract.Violation].
func (c Command) Seal(payloads ...Payload) ([]quipu.NewEvent, error) {
	events := make([]quipu.NewEvent, len(payloads))
	for i, payload := range payloads {
		data, err := json.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("%s does not encode: %w", payload.EventType(), err)
		}
		events[i], err = c.SealRaw(i, payload.EventType(), payload.Version(), data)
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}

// SealRaw is Seal for a payload that is JSON already.
func (c Command) SealRaw(index int, eventType, version string, payload []byte) (quipu.NewEvent, error) {
	if err := contract.Check(eventType, version, payload); err != nil {
		return quipu.NewEvent{}, err
	}
	data, contentType, err := packing.Pack(payload)
	if err != nil {
		return quipu.NewEvent{}, err
	}
	sealed := quipu.NewEvent{
		ID: c.EventID(index), Type: eventType, SchemaVersion: version, Data: data, ContentType: contentType,
		CorrelationID: c.Correlation, CausationID: c.Causation, Tags: c.Tags,
		OccurredAt: c.At.Add(time.Duration(index) * c.Every),
	}
	if c.Source != "" {
		sealed.Metadata = map[string]string{sourceKey: c.Source}
	}
	return sealed, nil
}

// Raw gives the payload of a recorded event as JSON: unpacked and checked by contract. It fails with a
// [*contract.Violation].
func Raw(recorded *quipu.RecordedEvent) ([]byte, error) {
	payload, err := packing.Unpack(recorded.Data, recorded.ContentType)
	if err != nil {
		return nil, fmt.Errorf("%s at position %d: %w", recorded.Type, recorded.Position, err)
	}
	if err := contract.Check(recorded.Type, recorded.Version(), payload); err != nil {
		return nil, fmt.Errorf("at position %d: %w", recorded.Position, err)
	}
	return payload, nil
}

// Open gives the payload of a recorded event: unpacked, checked by contract and decoded.
func Open[P any](recorded *quipu.RecordedEvent) (P, error) {
	var payload P
	data, err := Raw(recorded)
	if err != nil {
		return payload, err
	}
	if err := json.Unmarshal(data, &payload); err != nil {
		return payload, fmt.Errorf("%s at position %d does not decode: %w", recorded.Type, recorded.Position, err)
	}
	return payload, nil
}

// HappenedAt is the business time of an event: when it happened in the world, as far as anybody has said.
func HappenedAt(recorded *quipu.RecordedEvent) time.Time {
	if recorded.OccurredAt.IsZero() {
		return recorded.RecordedAt
	}
	return recorded.OccurredAt
}

// IsHistory tells whether an event was imported from the time before the platform: nobody acts on it any more.
func IsHistory(recorded *quipu.RecordedEvent) bool {
	return recorded.Metadata[sourceKey] == SourceHistory
}

// Refused is a command that the state of things does not allow.
type Refused string

// Error gives the reason.
func (r Refused) Error() string { return string(r) }
