package quipu

// What a stream must look like for an append to go in.

import (
	"fmt"

	"quipu/client/quipupb"
)

// Expected is what a stream must look like. The zero value is [Any].
type Expected struct {
	kind     expectedKind
	revision uint64
}

type expectedKind uint8

const (
	expectAny expectedKind = iota
	expectNoStream
	expectStreamExists
	expectRevision
)

var (
	// Any is no condition.
	Any = Expected{}
	// NoStream is a stream without an event.
	NoStream = Expected{kind: expectNoStream}
	// StreamExists is a stream with at least one event.
	StreamExists = Expected{kind: expectStreamExists}
)

// Revision is a stream whose last event has exactly this revision.
func Revision(revision uint64) Expected { return Expected{kind: expectRevision, revision: revision} }

// String says it in words.
func (e Expected) String() string {
	switch e.kind {
	case expectNoStream:
		return "no event"
	case expectStreamExists:
		return "at least one event"
	case expectRevision:
		return fmt.Sprintf("revision %d", e.revision)
	}
	return "anything"
}

func (e Expected) toWire() *quipupb.ExpectedRevision {
	wire := &quipupb.ExpectedRevision{}
	switch e.kind {
	case expectAny:
		wire.Kind = &quipupb.ExpectedRevision_Any_{Any: &quipupb.ExpectedRevision_Any{}}
	case expectNoStream:
		wire.Kind = &quipupb.ExpectedRevision_NoStream_{NoStream: &quipupb.ExpectedRevision_NoStream{}}
	case expectStreamExists:
		wire.Kind = &quipupb.ExpectedRevision_StreamExists_{StreamExists: &quipupb.ExpectedRevision_StreamExists{}}
	case expectRevision:
		wire.Kind = &quipupb.ExpectedRevision_Revision{Revision: e.revision}
	}
	return wire
}
