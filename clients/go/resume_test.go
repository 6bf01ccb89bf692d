package quipu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"quipu/client/quipupb"
)

// reads answers each call of a read by the next of these.
func reads(asked *[]*quipupb.ReadStreamRequest, answers ...func(func(*quipupb.ReadStreamResponse)) error) *scripted {
	return &scripted{readStream: func(
		request *quipupb.ReadStreamRequest, send func(*quipupb.ReadStreamResponse),
	) error {
		*asked = append(*asked, request)
		return answers[min(len(*asked), len(answers))-1](send)
	}}
}

func revisions(t *testing.T, reading *Reading) string {
	t.Helper()
	found, err := reading.Collect()
	if err != nil {
		t.Fatal(err)
	}
	var numbers []uint64
	for _, event := range found {
		numbers = append(numbers, event.Revision)
	}
	return fmt.Sprint(numbers)
}

func TestReadGoesOnBehindWhatItHasDelivered(t *testing.T) {
	var asked []*quipupb.ReadStreamRequest
	client := reads(&asked,
		func(func(*quipupb.ReadStreamResponse)) error { return away() },
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(0, 1)})
			return away()
		},
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(2)})
			return nil // cut short: the head has not come
		},
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(3), HeadRevision: new(uint64(3))})
			return nil
		},
	).connect(t)
	reading := client.ReadStream(t.Context(), "s", ReadStreamOptions{Limit: 9, Types: []string{"T"}})
	if found := revisions(t, reading); found != "[0 1 2 3]" {
		t.Error(found)
	}
	if head, ok := reading.Head(); !ok || head != 3 {
		t.Error(head, ok)
	}
	if asked[1].From != nil || asked[2].GetFromRevision() != 2 || asked[3].GetFromRevision() != 3 {
		t.Error(asked)
	}
	if asked[3].Limit != 6 || asked[3].Types[0] != "T" {
		t.Error(asked[3])
	}
}

func TestBackwardsReadGoesOnBeforeWhatItHasDelivered(t *testing.T) {
	var asked []*quipupb.ReadStreamRequest
	client := reads(&asked,
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(3, 2)})
			return away()
		},
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(1, 0)})
			return away()
		},
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(0), HeadRevision: new(uint64(3))})
			return nil
		},
	).connect(t)
	reading := client.ReadStream(t.Context(), "s", ReadStreamOptions{Backwards: true})
	if found := revisions(t, reading); found != "[3 2 1 0]" {
		t.Error(found)
	}
	if asked[1].GetFromRevision() != 1 || asked[2].GetFromRevision() != 0 {
		t.Error(asked)
	}
}

func TestReadThatHasItsLimitEndsThere(t *testing.T) {
	var asked []*quipupb.ReadStreamRequest
	client := reads(&asked, func(send func(*quipupb.ReadStreamResponse)) error {
		send(&quipupb.ReadStreamResponse{Events: events(0, 1)})
		return away()
	}).connect(t)
	reading := client.ReadStream(t.Context(), "s", ReadStreamOptions{Limit: 2})
	if found := revisions(t, reading); found != "[0 1]" || len(asked) != 1 {
		t.Error(found, asked)
	}
	if _, ok := reading.Head(); ok {
		t.Error("a head that has not come")
	}
}

func TestReadFromASnapshotGoesOnBehindIt(t *testing.T) {
	var asked []*quipupb.ReadStreamRequest
	client := reads(&asked,
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Snapshot: &quipupb.Snapshot{Stream: "s", Revision: new(uint64(4))}})
			return away()
		},
		func(send func(*quipupb.ReadStreamResponse)) error {
			send(&quipupb.ReadStreamResponse{Events: events(5), HeadRevision: new(uint64(5))})
			return nil
		},
	).connect(t)
	reading := client.ReadStream(t.Context(), "s", ReadStreamOptions{WithSnapshot: true})
	snapshot, err := reading.Snapshot()
	if err != nil || snapshot.Revision != 4 {
		t.Fatal(snapshot, err)
	}
	if found := revisions(t, reading); found != "[5]" {
		t.Error(found)
	}
	if !asked[0].WithSnapshot || asked[1].WithSnapshot || asked[1].GetFromRevision() != 5 {
		t.Error(asked)
	}
}

func TestReadGivesUpAfterItsTries(t *testing.T) {
	var asked []*quipupb.ReadStreamRequest
	client := reads(&asked, func(func(*quipupb.ReadStreamResponse)) error { return away() }).connect(t)
	_, err := client.ReadStream(t.Context(), "s", ReadStreamOptions{}).Collect()
	if !IsRetryable(err) || len(asked) != 4 {
		t.Error(len(asked), err)
	}
}

func TestRefusedReadIsNotTriedAgain(t *testing.T) {
	var asked []*quipupb.ReadStreamRequest
	gone := reads(&asked, func(func(*quipupb.ReadStreamResponse)) error {
		return told(codes.NotFound, "STREAM_NOT_FOUND")
	}).connect(t)
	_, err := gone.ReadStream(t.Context(), "s", ReadStreamOptions{}).Collect()
	if !errors.Is(err, StreamNotFound) || len(asked) != 1 {
		t.Error(len(asked), err)
	}
	if _, err := gone.ReadStream(t.Context(), "s", ReadStreamOptions{From: FromPosition(1)}).Collect(); err == nil {
		t.Error("a stream was read from a position")
	}
}

func TestSubscriptionResumesAfterABreakAndAfterSilence(t *testing.T) {
	asked := make(chan *quipupb.SubscribeAllRequest, 9)
	calls := 0
	server := &scripted{subscribeAll: func(
		request *quipupb.SubscribeAllRequest, send func(*quipupb.SubscribeAllResponse), ctx context.Context,
	) error {
		asked <- request
		switch calls++; calls {
		case 1:
			send(&quipupb.SubscribeAllResponse{Events: events(0, 1)})
			return away()
		case 2:
			send(&quipupb.SubscribeAllResponse{Signal: &quipupb.SubscribeAllResponse_Checkpoint{
				Checkpoint: &quipupb.Checkpoint{Position: 7},
			}})
			<-ctx.Done() // says nothing more
			return nil
		case 3:
			return nil // ends, as it should not
		}
		send(&quipupb.SubscribeAllResponse{Events: events(7)})
		<-ctx.Done()
		return nil
	}}
	client := server.connect(t)
	var heard []string
	for message, err := range client.SubscribeAll(t.Context(), SubscribeAllOptions{}).Messages() {
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, fmt.Sprint(message.Signal, message.Position))
		if message.Position == 8 {
			break
		}
	}
	expected := []string{"1", "2", "reconnected0", "checkpoint7", "reconnected0", "8"}
	if !slices.Equal(heard, expected) {
		t.Errorf("%q instead of %q", heard, expected)
	}
	first, second, third := <-asked, <-asked, <-asked
	if first.GetStart() == nil || second.GetAfterPosition() != 2 || third.GetAfterPosition() != 7 {
		t.Error(first, second, third)
	}
}

func TestSubscriptionEndsAtARefusalAndWithItsContext(t *testing.T) {
	server := &scripted{subscribeAll: func(
		_ *quipupb.SubscribeAllRequest, _ func(*quipupb.SubscribeAllResponse), ctx context.Context,
	) error {
		return told(codes.OutOfRange, "BEYOND_END")
	}}
	client := server.connect(t)
	count := 0
	for _, err := range client.SubscribeAll(t.Context(), SubscribeAllOptions{From: AfterPosition(9)}).Events() {
		if count++; !errors.Is(err, BeyondEnd) {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range client.SubscribeAll(ctx, SubscribeAllOptions{}).Events() {
		if count++; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if count != 2 {
		t.Errorf("%d errors", count)
	}
}
