package quipu

// What can go wrong, as values to act on, and how a gRPC status becomes one.

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const errorDomain = "quipu"

// Error is a failure that the server told of, or the connection to it.
//
// Act on it by its reason, errors.Is(err, quipu.StreamNotFound), by what it asks for, [IsConflict] and
// [IsRetryable], or by its typed detail, [Detail].
type Error struct {
	// Code is the gRPC code.
	Code codes.Code
	// Reason is the server's word for it, such as WRONG_EXPECTED_REVISION. Empty: the server gave none, so the
	// failure is of the connection or of this side.
	Reason Reason
	// Message says in words what went wrong. It never quotes a payload.
	Message string
	// Metadata has the values of the failure in text form.
	Metadata map[string]string
	// Details are the typed messages that came with it: see Detail.
	Details []proto.Message

	cause error
}

// Error gives code, reason and message in one line.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("quipu: ")
	text.WriteString(e.Code.String())
	if e.Reason != "" {
		text.WriteString(" " + string(e.Reason))
	}
	return text.String() + ": " + e.Message
}

// Unwrap gives what it comes from: the context's error where that ended the call.
func (e *Error) Unwrap() error { return e.cause }

// Is tells whether target is the reason of this error.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}

// GRPCStatus gives the code and message as a status, for servers that pass errors on.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// IsConflict tells whether somebody else was faster: read and decide again.
func (e *Error) IsConflict() bool {
	switch e.Reason {
	case WrongExpectedRevision, GuardNotMet, WrongCheckpoint, WrongReadModelPosition:
		return true
	}
	return false
}

// IsRetryable tells whether the same call can succeed later, because the server was merely away. The client
// has then tried as often as its policy allows. A full queue or disk is not of this kind: piling on would make
// it worse.
func (e *Error) IsRetryable() bool { return e.Code == codes.Unavailable }

// IsConflict tells whether err is an [*Error] that says so.
func IsConflict(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.IsConflict()
}

// IsRetryable tells whether err is an [*Error] that says so.
func IsRetryable(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.IsRetryable()
}

// ReasonOf gives the server's reason. Empty: there is none.
func ReasonOf(err error) Reason {
	var failed *Error
	if errors.As(err, &failed) {
		return failed.Reason
	}
	return ""
}

// Detail gives the typed detail of a failure, such as Detail[*quipupb.GuardNotMet](err).
func Detail[T proto.Message](err error) (T, bool) {
	var failed *Error
	if errors.As(err, &failed) {
		for _, detail := range failed.Details {
			if typed, ok := detail.(T); ok {
				return typed, true
			}
		}
	}
	var none T
	return none, false
}

// failure makes an [*Error] of what a call under ctx returned. Nil stays nil.
func failure(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	told := status.Convert(err)
	failed := &Error{Code: told.Code(), Message: told.Message()}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				failed.Reason, failed.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
			}
		case proto.Message:
			failed.Details = append(failed.Details, detail)
		}
	}
	if ended := ctx.Err(); ended != nil && (failed.Code == codes.Canceled || failed.Code == codes.DeadlineExceeded) {
		failed.cause = ended
	} else if failed.Reason == "" && isBrokenConnection(failed.Code, failed.Message) {
		failed.Code = codes.Unavailable
	}
	return failed
}

// isBrokenConnection tells whether a status without a reason was made by the transport because the connection
// broke in the middle of a call, whatever its code says.
func isBrokenConnection(code codes.Code, message string) bool {
	switch code {
	case codes.Canceled:
		return true // by the other side: ours ends the context
	case codes.Internal, codes.Unknown:
		for _, sign := range []string{"RST_STREAM", "without sending trailers", "unexpected EOF", "connection error"} {
			if strings.Contains(message, sign) {
				return true
			}
		}
	}
	return false
}

// ended is the failure of a call whose context is over, nil while it is not.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	return &Error{Code: status.FromContextError(err).Code(), Message: err.Error(), cause: err}
}

func unavailable(format string, values ...any) error {
	return &Error{Code: codes.Unavailable, Message: fmt.Sprintf(format, values...)}
}

func invalid(format string, values ...any) error {
	return &Error{Code: codes.InvalidArgument, Message: fmt.Sprintf(format, values...)}
}

func invalidBecause(cause error, format string, values ...any) error {
	message := fmt.Sprintf(format, values...) + ": " + cause.Error()
	return &Error{Code: codes.InvalidArgument, Message: message, cause: cause}
}

func badAnswer(what string) error {
	return &Error{Code: codes.Internal, Message: "the server's answer makes no sense: " + what}
}
