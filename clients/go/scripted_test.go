package quipu

// A server that does what a test says, to break where no real one can be made to break.

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quipu/client/internal/leakcheck"
	"quipu/client/quipupb"
)

// scripted answers calls by the functions that are set.
type scripted struct {
	quipupb.UnimplementedEventStoreServer
	quipupb.UnimplementedServerInfoServer
	quipupb.UnimplementedConsumersServer

	append       func(*quipupb.AppendRequest) (*quipupb.AppendResponse, error)
	transact     func(*quipupb.TransactRequest) (*quipupb.TransactResponse, error)
	readStream   func(*quipupb.ReadStreamRequest, func(*quipupb.ReadStreamResponse)) error
	subscribeAll func(*quipupb.SubscribeAllRequest, func(*quipupb.SubscribeAllResponse), context.Context) error
}

func (s *scripted) Append(_ context.Context, request *quipupb.AppendRequest) (*quipupb.AppendResponse, error) {
	return s.append(request)
}

func (s *scripted) Transact(_ context.Context, request *quipupb.TransactRequest) (*quipupb.TransactResponse, error) {
	return s.transact(request)
}

func (s *scripted) ReadStream(
	request *quipupb.ReadStreamRequest, stream grpc.ServerStreamingServer[quipupb.ReadStreamResponse],
) error {
	return s.readStream(request, func(part *quipupb.ReadStreamResponse) { _ = stream.Send(part) })
}

func (s *scripted) SubscribeAll(
	request *quipupb.SubscribeAllRequest, stream grpc.ServerStreamingServer[quipupb.SubscribeAllResponse],
) error {
	send := func(message *quipupb.SubscribeAllResponse) { _ = stream.Send(message) }
	return s.subscribeAll(request, send, stream.Context())
}

func (s *scripted) Get(context.Context, *quipupb.ServerInfoGetRequest) (*quipupb.ServerInfoGetResponse, error) {
	limits := &quipupb.Limits{HeartbeatInterval: durationpb.New(20 * time.Millisecond)}
	return &quipupb.ServerInfoGetResponse{Version: "scripted", Limits: limits}, nil
}

// connect runs the server and gives a client of it that retries without delay; both end with the test, which
// fails when something of the client is left running.
func (s *scripted) connect(t *testing.T) *Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	quipupb.RegisterEventStoreServer(server, s)
	quipupb.RegisterServerInfoServer(server, s)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	dial := func(context.Context, string) (net.Conn, error) { return listener.Dial() }
	client, err := Connect(t.Context(), "passthrough:scripted", Options{
		Retry:       RetryPolicy{Attempts: 4, InitialBackoff: time.Nanosecond, MaxBackoff: time.Nanosecond},
		Logger:      slog.New(slog.DiscardHandler),
		DialOptions: []grpc.DialOption{grpc.WithContextDialer(dial)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		serving.Wait()
		for _, stack := range leakcheck.Leaked() {
			if !strings.Contains(stack, "testing.tRunner") { // the test itself
				t.Errorf("left running: %s", stack)
			}
		}
	})
	return client
}

// recorded is an event of the stream `s` whose position is its revision plus 1.
func recorded(revision uint64) *quipupb.RecordedEvent {
	return &quipupb.RecordedEvent{
		Id: NewID(), Type: "T", Stream: "s", Revision: &revision, Position: revision + 1,
		RecordedAt: timestamppb.New(time.Unix(1, 0)),
	}
}

func events(revisions ...uint64) []*quipupb.RecordedEvent {
	wire := make([]*quipupb.RecordedEvent, len(revisions))
	for i, revision := range revisions {
		wire[i] = recorded(revision)
	}
	return wire
}

// away is what a server that is stopping says.
func away() error { return told(codes.Unavailable, "SHUTTING_DOWN") }

// told is a failure as the server tells it.
func told(code codes.Code, reason string, details ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Domain: "quipu", Reason: reason, Metadata: map[string]string{"stream": "s"}}
	with, err := status.New(code, "in words").WithDetails(append([]protoadapt.MessageV1{info}, details...)...)
	if err != nil {
		return err
	}
	return with.Err()
}
