package quipu

// What to follow, and the calls that follow it.

import (
	"context"

	"quipu/client/quipupb"
)

// SubscribeAllOptions say what of the log is followed. The zero value: all of it, from the start.
type SubscribeAllOptions struct {
	// From is where to begin: the zero value, Start, End, AfterPosition or FromTime.
	From Place
	// Query: only events that match. The zero value: all.
	Query Query
	// IncludeSystem also delivers events of system streams, whose names start with `$`.
	IncludeSystem bool
}

// SubscribeStreamOptions say what of a stream is followed. The zero value: all of it, from the start.
type SubscribeStreamOptions struct {
	// From is where to begin: the zero value, Start, End or AfterRevision.
	From Place
	// Types: only events of these types, at most 64. Empty: all.
	Types []string
}

// SubscribeAll follows the whole log: first what is there, then what comes, each event once and in order;
// nothing is sent before the iteration begins. Begin with [AfterPosition] of what was dealt with last. It fails
// with [BeyondEnd] when that lies beyond the head: this is then not the log that the position came from.
func (c *Client) SubscribeAll(ctx context.Context, options SubscribeAllOptions) *Subscription {
	open := func(ctx context.Context, from Place) (func() (heard, error), error) {
		request := &quipupb.SubscribeAllRequest{
			Query: options.Query.optionalToWire(), IncludeSystem: options.IncludeSystem,
		}
		if err := from.forSubscribeAll(request); err != nil {
			return nil, err
		}
		stream, err := c.events.SubscribeAll(ctx, request)
		return func() (heard, error) {
			message, err := stream.Recv()
			if err != nil {
				return heard{}, err
			}
			return heardFromLog(message), nil
		}, err
	}
	return &Subscription{ctx: ctx, client: c, open: open, from: options.From, followsLog: true}
}

// SubscribeStream follows one stream likewise, also one that does not exist yet.
func (c *Client) SubscribeStream(ctx context.Context, stream string, options SubscribeStreamOptions) *Subscription {
	open := func(ctx context.Context, from Place) (func() (heard, error), error) {
		request := &quipupb.SubscribeStreamRequest{Stream: stream, Types: options.Types}
		if err := from.forSubscribeStream(request); err != nil {
			return nil, err
		}
		stream, err := c.events.SubscribeStream(ctx, request)
		return func() (heard, error) {
			message, err := stream.Recv()
			if err != nil {
				return heard{}, err
			}
			return heardFromStream(message), nil
		}, err
	}
	return &Subscription{ctx: ctx, client: c, open: open, from: options.From}
}

func heardFromLog(message *quipupb.SubscribeAllResponse) heard {
	if len(message.Events) > 0 {
		return heard{events: message.Events}
	}
	switch signal := message.Signal.(type) {
	case *quipupb.SubscribeAllResponse_CaughtUp:
		return heard{signal: CaughtUp, position: signal.CaughtUp.GetPosition(), head: signal.CaughtUp.GetPosition()}
	case *quipupb.SubscribeAllResponse_FellBehind:
		return heard{signal: FellBehind, position: signal.FellBehind.GetPosition(), head: signal.FellBehind.GetHead()}
	case *quipupb.SubscribeAllResponse_Checkpoint:
		return heard{signal: PassedCheckpoint, position: signal.Checkpoint.GetPosition()}
	case *quipupb.SubscribeAllResponse_Heartbeat:
		return heard{signal: Heartbeat, position: signal.Heartbeat.GetPosition(), head: signal.Heartbeat.GetPosition()}
	}
	return heard{} // a signal newer than this client
}

func heardFromStream(message *quipupb.SubscribeStreamResponse) heard {
	if len(message.Events) > 0 {
		return heard{events: message.Events}
	}
	switch signal := message.Signal.(type) {
	case *quipupb.SubscribeStreamResponse_CaughtUp:
		return heard{signal: CaughtUp, position: signal.CaughtUp.GetPosition(), head: signal.CaughtUp.GetPosition()}
	case *quipupb.SubscribeStreamResponse_FellBehind:
		return heard{signal: FellBehind, position: signal.FellBehind.GetPosition(), head: signal.FellBehind.GetHead()}
	case *quipupb.SubscribeStreamResponse_Heartbeat:
		return heard{signal: Heartbeat, position: signal.Heartbeat.GetPosition(), head: signal.Heartbeat.GetPosition()}
	}
	return heard{}
}
