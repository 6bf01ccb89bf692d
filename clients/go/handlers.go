package quipu

// What a handler may answer besides success and failure, and the failure of one.

import (
	"errors"
	"fmt"
)

// ParkError has an event kept aside at once: see Park.
type ParkError struct {
	// Reason is kept with the parked event.
	Reason string
}

// SkipError has an event passed over: see Skip.
type SkipError struct {
	// Reason says why.
	Reason string
}

// Park is what a handler of a [Reactor] returns to have the event kept aside at once.
func Park(reason string) error { return &ParkError{reason} }

// Skip is what a handler of a [Reactor] returns to have the event passed over as if it had been dealt with.
func Skip(reason string) error { return &SkipError{reason} }

// Error gives the reason.
func (e *ParkError) Error() string { return "park: " + e.Reason }

// Error gives the reason.
func (e *SkipError) Error() string { return "skip: " + e.Reason }

// HandlerError is a projection, or the Apply of an aggregate, that failed on an event.
type HandlerError struct {
	// Type and Version are those of the event.
	Type, Version string
	// Position is that of the event.
	Position uint64
	// Cause is what the handler returned, or a [*PanicError].
	Cause error
}

// Error tells which event it is and what was wrong.
func (e *HandlerError) Error() string {
	return fmt.Sprintf("quipu: handling %s version %s at position %d: %v", e.Type, e.Version, e.Position, e.Cause)
}

// Unwrap gives the cause.
func (e *HandlerError) Unwrap() error { return e.Cause }

// nackOf says what is to be done with an event whose handling failed.
func nackOf(position uint64, err error) Nack {
	var park *ParkError
	var skip *SkipError
	switch {
	case errors.As(err, &park):
		return Nack{Position: position, Action: NackPark, Reason: park.Reason}
	case errors.As(err, &skip):
		return Nack{Position: position, Action: NackSkip, Reason: skip.Reason}
	}
	return Nack{Position: position, Reason: fmt.Sprintf("%T: %v", err, err)}
}
