package quipu

// The connection to a server, and the settings it is made with.

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"quipu/client/quipupb"
)

const (
	tenantHeader          = "quipu-tenant"
	defaultTimeout        = 30 * time.Second
	defaultKeepalive      = 20 * time.Second
	keepaliveTimeout      = 10 * time.Second
	connectTimeout        = 5 * time.Second
	reconnectBackoff      = 50 * time.Millisecond
	reconnectBackoffMax   = time.Second
	streamWindowBytes     = 8 << 20
	connectionWindowBytes = 16 << 20
	defaultMessageBytes   = 64 << 20
	defaultHeartbeat      = 15 * time.Second
	silentHeartbeats      = 3
)

// Options are the settings of a connection. The zero value has the defaults.
type Options struct {
	// Tenant is whom every call speaks for. Empty: the server's tenant `default`.
	Tenant string
	// Timeout bounds a call that ends by itself, all of its tries together, unless its context ends sooner.
	// Reads and subscriptions have no timeout. 0: 30 s; negative: none.
	Timeout time.Duration
	// TLS encrypts the connection. Nil: plain text.
	TLS *tls.Config
	// Keepalive is the interval of probes of the connection; one that is not answered within 10 s breaks it.
	// 0: 20 s; negative: none.
	Keepalive time.Duration
	// Retry says how calls are tried again while the server is unavailable.
	Retry RetryPolicy
	// MaxMessageBytes is the largest message sent or taken. 0: 64 MiB.
	MaxMessageBytes int
	// Upcasters are applied to every event that is read, by whatever call but Consume and Fetch. Nil: none.
	Upcasters *Upcasters
	// Logger is told of reconnections and retries (debug) and of failures that nobody is returned (warn).
	// Nil: slog.Default().
	Logger *slog.Logger
	// DialOptions are given to gRPC after all others.
	DialOptions []grpc.DialOption
}

// Client is a connection to a server, for one tenant. It may be used by many goroutines at the same time.
type Client struct {
	// Snapshots keeps the folded state of streams.
	Snapshots *Snapshots
	// Streams looks streams up, and begins and ends their lives.
	Streams *Streams
	// Checkpoints tells how far named consumers have got.
	Checkpoints *Checkpoints
	// Consumers shares the work of one reactor among several members.
	Consumers *Consumers
	// ReadModels holds what projectors make of events.
	ReadModels *ReadModels

	connection *grpc.ClientConn
	events     quipupb.EventStoreClient
	server     quipupb.ServerInfoClient
	timeout    time.Duration
	retry      RetryPolicy
	silence    time.Duration
	upcasters  *Upcasters
	log        *slog.Logger
}

// Connect makes a connection to an address such as `127.0.0.1:2113` and asks the server for its facts, which
// is tried again under the retry policy. The connection is made anew by itself whenever it breaks.
func Connect(ctx context.Context, address string, options Options) (*Client, error) {
	connection, err := grpc.NewClient(address, dialOptions(options)...)
	if err != nil {
		return nil, invalid("address %q: %v", address, err)
	}
	client := &Client{
		connection: connection,
		events:     quipupb.NewEventStoreClient(connection),
		server:     quipupb.NewServerInfoClient(connection),
		timeout:    cmp.Or(options.Timeout, defaultTimeout),
		retry:      options.Retry.orDefault(),
		upcasters:  cmp.Or(options.Upcasters, NewUpcasters()),
		log:        cmp.Or(options.Logger, slog.Default()),
	}
	client.Snapshots = &Snapshots{client, quipupb.NewSnapshotsClient(connection)}
	client.Streams = &Streams{client, quipupb.NewStreamsClient(connection)}
	client.Checkpoints = &Checkpoints{client, quipupb.NewCheckpointsClient(connection)}
	client.Consumers = &Consumers{client, quipupb.NewConsumersClient(connection)}
	client.ReadModels = &ReadModels{client, quipupb.NewReadModelsClient(connection)}
	info, err := client.ServerInfo(ctx)
	if err != nil {
		_ = connection.Close()
		return nil, err
	}
	client.silence = silentHeartbeats * cmp.Or(info.Limits.HeartbeatInterval, defaultHeartbeat)
	return client, nil
}

// read makes an event of the wire's and upcasts it.
func (c *Client) read(wire *quipupb.RecordedEvent) (*RecordedEvent, error) {
	event, err := eventFromWire(wire)
	if err != nil {
		return nil, err
	}
	return c.upcasters.upcast(c.log, event)
}

// Close ends the connection and with it every call under way.
func (c *Client) Close() error {
	return c.connection.Close()
}

func dialOptions(options Options) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if options.TLS != nil {
		transport = credentials.NewTLS(options.TLS)
	}
	reconnect := backoff.DefaultConfig
	reconnect.BaseDelay, reconnect.MaxDelay = reconnectBackoff, reconnectBackoffMax
	messageBytes := cmp.Or(options.MaxMessageBytes, defaultMessageBytes)
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: connectTimeout}),
		// Retries are ours: only we know what is safe to repeat.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		// A connection with a subscription is never idle, and one without is probed.
		grpc.WithIdleTimeout(0),
		grpc.WithInitialWindowSize(streamWindowBytes),
		grpc.WithInitialConnWindowSize(connectionWindowBytes),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(messageBytes), grpc.MaxCallSendMsgSize(messageBytes)),
	}
	if interval := cmp.Or(options.Keepalive, defaultKeepalive); interval > 0 {
		dial = append(dial, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: interval, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}))
	}
	if options.Tenant != "" {
		dial = append(dial, tenantOptions(options.Tenant)...)
	}
	return append(dial, options.DialOptions...)
}

// tenantOptions put the tenant's name on every call.
func tenantOptions(tenant string) []grpc.DialOption {
	unary := func(ctx context.Context, method string, request, answer any, connection *grpc.ClientConn,
		invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		ctx = metadata.AppendToOutgoingContext(ctx, tenantHeader, tenant)
		return invoke(ctx, method, request, answer, connection, options...)
	}
	stream := func(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string,
		open grpc.Streamer, options ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		ctx = metadata.AppendToOutgoingContext(ctx, tenantHeader, tenant)
		return open(ctx, description, connection, method, options...)
	}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(unary), grpc.WithChainStreamInterceptor(stream)}
}
