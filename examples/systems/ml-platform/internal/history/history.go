// Package history imports what happened before the platform was there. Each event keeps its own business time, and
// the import may be broken off and repeated: what is there already is recognised.
package history

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

const (
	lineBytesMax = 1 << 20
	chunkEvents  = 200
)

// Line is an event as the old system has exported it.
type Line struct {
	// Key is the event's own name in the old system.
	Key string `json:"key"`
	// Stream, Type and Version are what they are on the platform.
	Stream  string `json:"stream"`
	Type    string `json:"type"`
	Version string `json:"version"`
	// HappenedAt is when it happened.
	HappenedAt time.Time `json:"happened_at"`
	// Correlation ties together what belongs to one endeavour.
	Correlation string `json:"correlation"`
	// Cause is the key of the event that led to this one.
	Cause string `json:"cause,omitempty"`
	// Payload is what it says.
	Payload json.RawMessage `json:"payload"`
}

// Imported is what an import came to.
type Imported struct {
	// Added are events that were not there yet, Known those that were.
	Added, Known int
}

// Read reads an export: a JSON object a line.
func Read(from io.Reader) ([]Line, error) {
	var lines []Line
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, lineBytesMax)
	for scanner.Scan() {
		var line Line
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
		lines = append(lines, line)
	}
	return lines, scanner.Err()
}

// Write writes an export.
func Write(to io.Writer, lines []Line) error {
	encoder := json.NewEncoder(to)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// Import appends an export, stream by stream, behind what is there of it already. A contract that is broken by any
// line keeps all of it out. Events go to exact revisions of their streams, so that two imports at the same time do
// not get in between each other.
func Import(ctx context.Context, client *quipu.Client, lines []Line) (Imported, error) {
	var order []string
	streams := map[string][]quipu.NewEvent{}
	for i, line := range lines {
		sealed, err := line.seal()
		if err != nil {
			return Imported{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		if streams[line.Stream] == nil {
			order = append(order, line.Stream)
		}
		streams[line.Stream] = append(streams[line.Stream], sealed)
	}
	var imported Imported
	for _, stream := range order {
		if err := imported.add(ctx, client, stream, streams[stream]); err != nil {
			return imported, fmt.Errorf("importing %s: %w", stream, err)
		}
	}
	return imported, nil
}

func (i *Imported) add(ctx context.Context, client *quipu.Client, stream string, events []quipu.NewEvent) error {
	known, err := knownOf(ctx, client, stream, events)
	if err != nil {
		return err
	}
	i.Known += known
	for first := known; first < len(events); first += chunkEvents {
		chunk := events[first:min(first+chunkEvents, len(events))]
		expected := quipu.NoStream
		if first > 0 {
			expected = quipu.Revision(uint64(first - 1))
		}
		if _, err := client.Append(ctx, stream, expected, chunk); err != nil {
			return err
		}
		i.Added += len(chunk)
	}
	return nil
}

// knownOf tells how many of a stream's events are there, from its beginning. Others may not be.
func knownOf(ctx context.Context, client *quipu.Client, stream string, events []quipu.NewEvent) (int, error) {
	known := 0
	for recorded, err := range client.ReadStream(ctx, stream, quipu.ReadStreamOptions{}).Events() {
		switch {
		case errors.Is(err, quipu.StreamNotFound), errors.Is(err, quipu.TenantNotFound):
			return 0, nil
		case err != nil:
			return 0, err
		case known == len(events) || recorded.ID != events[known].ID:
			return 0, fmt.Errorf("revision %d is not from this export", recorded.Revision)
		}
		known++
	}
	return known, nil
}

func (l Line) seal() (quipu.NewEvent, error) {
	command := event.Command{
		ID: commandID(l.Key), Correlation: l.Correlation, At: l.HappenedAt, Source: event.SourceHistory,
	}
	if l.Cause != "" {
		command.Causation = event.Command{ID: commandID(l.Cause)}.EventID(0)
	}
	return command.SealRaw(0, l.Type, l.Version, l.Payload)
}

func commandID(key string) string { return "history:" + key }
