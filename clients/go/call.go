package quipu

// How a call with one answer is made: under the timeout, with its tries.

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// rpc is a call with one answer, as generated.
type rpc[Request, Answer any] func(context.Context, *Request, ...grpc.CallOption) (*Answer, error)

// call makes a call that is safe to repeat, under the retry policy.
func call[Request, Answer any](
	ctx context.Context, c *Client, method rpc[Request, Answer], request *Request,
) (*Answer, error) {
	return callFor(ctx, c, 0, method, request)
}

// callFor is call for one that the server may take longer for by so much.
func callFor[Request, Answer any](
	ctx context.Context, c *Client, longer time.Duration, method rpc[Request, Answer], request *Request,
) (*Answer, error) {
	ctx, cancel := c.within(ctx, longer)
	defer cancel()
	var answer *Answer
	err := c.retry.run(ctx, c.log, func() error {
		var err error
		answer, err = method(ctx, request)
		return failure(ctx, err)
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// callOnce makes a call that may have another effect when it is repeated.
func callOnce[Request, Answer any](
	ctx context.Context, c *Client, method rpc[Request, Answer], request *Request,
) (*Answer, error) {
	ctx, cancel := c.within(ctx, 0)
	defer cancel()
	answer, err := method(ctx, request)
	if err != nil {
		return nil, failure(ctx, err)
	}
	return answer, nil
}

func (c *Client) within(ctx context.Context, longer time.Duration) (context.Context, context.CancelFunc) {
	if c.timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.timeout+longer)
}
