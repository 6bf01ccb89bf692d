package workload_test

import (
	"context"
	"testing"

	"quipu/examples/ml-platform/internal/platformtest"
	"quipu/examples/ml-platform/internal/reactor"
	"quipu/examples/ml-platform/internal/workload"
)

func TestADriverThatIsRunAgainAddsNothing(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	running, stop := context.WithCancel(ctx)
	defer stop()
	for _, name := range []string{reactor.Registrar, reactor.Evaluator} {
		reactor, err := reactor.New(name, platform, reactor.Settings{})
		platformtest.OK(t, err)
		go func() { _ = reactor.Run(running) }()
	}
	plan := workload.NewPlan(1, 400)
	var heads []uint64
	for range 2 {
		platformtest.OK(t, workload.Drive(ctx, platform, plan))
		info, err := platform.Client.ServerInfo(ctx)
		platformtest.OK(t, err)
		heads = append(heads, info.Head)
	}
	if heads[0] == 0 || heads[0] != heads[1] {
		t.Error("the head was at", heads)
	}
}
