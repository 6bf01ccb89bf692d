package quipu

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"quipu/client/quipupb"
)

func TestFailureHasReasonAndDetail(t *testing.T) {
	detail := &quipupb.WrongExpectedRevision{Stream: "s", ActualRevision: new(uint64(4)), Head: 9}
	err := failure(t.Context(), told(codes.FailedPrecondition, "WRONG_EXPECTED_REVISION", detail))
	wrapped := fmt.Errorf("placing the order: %w", err)
	var failed *Error
	if !errors.As(wrapped, &failed) || failed.Code != codes.FailedPrecondition || failed.Metadata["stream"] != "s" {
		t.Fatalf("%+v", failed)
	}
	if !errors.Is(wrapped, WrongExpectedRevision) || errors.Is(wrapped, StreamNotFound) {
		t.Error("the reason does not compare")
	}
	if !IsConflict(wrapped) || IsRetryable(wrapped) || ReasonOf(wrapped) != WrongExpectedRevision {
		t.Error("what it asks for is wrong")
	}
	found, ok := Detail[*quipupb.WrongExpectedRevision](wrapped)
	if !ok || found.GetActualRevision() != 4 || found.GetHead() != 9 {
		t.Errorf("detail %v", found)
	}
	if _, ok := Detail[*quipupb.GuardNotMet](wrapped); ok {
		t.Error("a detail that is not there")
	}
	if text := err.Error(); text != "quipu: FailedPrecondition WRONG_EXPECTED_REVISION: in words" {
		t.Error(text)
	}
}

func TestConflictsAreTheFour(t *testing.T) {
	for name := range quipupb.ErrorReason_value {
		reason := Reason(name[len("ERROR_REASON_"):])
		expected := reason == WrongExpectedRevision || reason == GuardNotMet || reason == WrongCheckpoint ||
			reason == WrongReadModelPosition
		if IsConflict(&Error{Reason: reason}) != expected {
			t.Errorf("%s: conflict %v", reason, !expected)
		}
	}
}

func TestReasonOfAnotherDomainIsNone(t *testing.T) {
	info := &errdetails.ErrorInfo{Domain: "other", Reason: "QUEUE_FULL"}
	with, err := status.New(codes.Internal, "m").WithDetails(info)
	if err != nil {
		t.Fatal(err)
	}
	if reason := ReasonOf(failure(t.Context(), with.Err())); reason != "" {
		t.Error(reason)
	}
}

func TestBrokenConnectionIsUnavailable(t *testing.T) {
	for _, broken := range []error{
		status.Error(codes.Unavailable, "error reading from server: EOF"),
		status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR"),
		status.Error(codes.Internal, "server closed the stream without sending trailers"),
		status.Error(codes.Canceled, "the server gave up"),
	} {
		if !IsRetryable(failure(t.Context(), broken)) {
			t.Errorf("not retryable: %v", broken)
		}
	}
	for _, refused := range []error{
		told(codes.Internal, "INTERNAL"), told(codes.ResourceExhausted, "QUEUE_FULL"),
		status.Error(codes.Internal, "grpc: error while marshaling"), errors.New("another"),
	} {
		if IsRetryable(failure(t.Context(), refused)) {
			t.Errorf("retryable: %v", refused)
		}
	}
}

func TestEndOfTheContextIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{failure(ctx, status.Error(codes.Canceled, "context canceled")), ended(ctx)} {
		if !errors.Is(err, context.Canceled) || IsRetryable(err) {
			t.Errorf("%v", err)
		}
	}
	if failure(ctx, nil) != nil || ended(t.Context()) != nil {
		t.Error("a failure out of nothing")
	}
}

func TestEveryReasonOfTheProtocolHasItsConstant(t *testing.T) {
	known := []Reason{
		InvalidArgument, LimitExceeded, WrongExpectedRevision, SnapshotAhead, StreamNotFound, EventNotFound,
		SnapshotNotFound, TenantNotFound, EventIDConflict, BeyondEnd, QueueFull, DiskFull, TooManyTenants, ShuttingDown,
		Poisoned, Damaged, Internal, GuardNotMet, StreamDeleted, StreamTombstoned, CheckpointNotFound, WrongCheckpoint,
		TooManyCheckpoints, GroupNotFound, GroupExists, MemberExists, NotParked, TooManyGroups, ReadModelNotFound,
		WrongReadModelPosition, NotFoldable, PolicyNotFound,
	}
	if expected := len(quipupb.ErrorReason_value) - 1; len(known) != expected { // but for UNSPECIFIED
		t.Errorf("%d constants for %d reasons", len(known), expected)
	}
	for _, reason := range known {
		if _, ok := quipupb.ErrorReason_value["ERROR_REASON_"+string(reason)]; !ok {
			t.Errorf("the protocol does not know %s", reason)
		}
	}
}
