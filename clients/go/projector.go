package quipu

// An exactly-once projection of events into a read model.

import (
	"cmp"
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	defaultProjectorBatch = 500
	writeBytesMax         = 4 << 20
	cleanUpTimeout        = 10 * time.Second
)

// Projection deals with an event by changing documents within tx. It must have no other effect, since it is
// called again for an event whose changes did not get in.
type Projection func(ctx context.Context, event *RecordedEvent, tx *Tx) error

// ProjectorOptions say which events are projected. The zero value: all.
type ProjectorOptions struct {
	// Query: only events that match. The zero value: all.
	Query Query
	// IncludeSystem also projects events of system streams.
	IncludeSystem bool
	// BatchSize is how many events go into one write at most. 0: 500.
	BatchSize int
}

// Projector makes a read model of events: each has its effect exactly once, through any crash of either side,
// since changes are written together with the position, on condition of the position before.
type Projector struct {
	client   *Client
	model    string
	options  ProjectorOptions
	handlers versioned[Projection]
}

// NewProjector makes a projector into the read model of this name.
func NewProjector(client *Client, model string, options ProjectorOptions) *Projector {
	options.BatchSize = cmp.Or(options.BatchSize, defaultProjectorBatch)
	return &Projector{client: client, model: model, options: options}
}

// On has events of this type projected, of whatever version there is no projection for in particular. Several
// projections of a type are called in the order of registering. Register before Run.
func (p *Projector) On(eventType string, projection Projection) {
	p.OnVersion(eventType, anyVersion, projection)
}

// OnVersion has events of this type and schema version projected: that of the event exactly, or its major part,
// `2` for `2.1`.
func (p *Projector) OnVersion(eventType, version string, projection Projection) {
	p.handlers.add(eventType, version, projection)
}

// Run projects into the active generation until ctx ends: nil then. It fails with a [*HandlerError] when a
// projection fails. When somebody else has written, the answer to a write was lost or the server was away, it
// begins again from where the read model is, for as long as it takes.
func (p *Projector) Run(ctx context.Context) error {
	_, err := p.project(ctx, 0, false)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// CatchUp projects what there is into the active generation and returns the position that it has come to.
func (p *Projector) CatchUp(ctx context.Context) (uint64, error) {
	return p.project(ctx, 0, true)
}

// Rebuild projects everything from the beginning into a new generation, while readers still see the active one,
// then makes the new one active and returns its number. What comes later is Run's to project.
func (p *Projector) Rebuild(ctx context.Context) (uint64, error) {
	generation, err := p.client.ReadModels.Begin(ctx, p.model)
	if err != nil {
		return 0, err
	}
	position, err := p.project(ctx, generation, true)
	if err == nil {
		err = p.client.ReadModels.Switch(ctx, p.model, generation, &position)
	}
	if err != nil {
		p.discard(ctx, generation)
		return 0, err
	}
	return generation, nil
}

// discard deletes a generation that will not become active. Should that fail, the next Switch does it.
func (p *Projector) discard(ctx context.Context, generation uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if err := p.client.ReadModels.DeleteGeneration(ctx, p.model, generation); err != nil {
		p.client.log.WarnContext(ctx, "a generation of a read model was left behind",
			"model", p.model, "generation", generation, "error", err)
	}
}

// project goes on behind where a generation is, 0 for the active one, and again when it was elsewhere or the
// server was away.
func (p *Projector) project(ctx context.Context, number uint64, untilCaughtUp bool) (uint64, error) {
	retry := p.client.retry.forever()
	for failures := 1; ; failures++ {
		run := projectorRun{projector: p}
		hasMoved, err := run.follow(ctx, number, untilCaughtUp)
		if err == nil {
			return run.position, nil
		}
		if hasMoved {
			failures = 1
		}
		isGone := number == 0 && errors.Is(err, ReadModelNotFound)
		if isGone || errors.Is(err, WrongReadModelPosition) {
			// As if the server had been away, so that two projectors do not push each other aside at full speed.
			err = unavailable("the read model is elsewhere: %v", err)
		}
		if !retry.again(ctx, p.client.log, err, failures) {
			if over := ended(ctx); over != nil {
				err = over
			}
			return 0, err
		}
	}
}

// generation tells how far one is, 0 for the active one. A read model that is not there yet is at 0.
func (p *Projector) generation(ctx context.Context, number uint64) (Generation, error) {
	generations, err := p.client.ReadModels.Describe(ctx, p.model)
	if err != nil && (number != 0 || !isAbsentModel(err)) {
		return Generation{}, err
	}
	for _, generation := range generations {
		if generation.Number == number || (number == 0 && generation.IsActive) {
			return generation, nil
		}
	}
	if number != 0 {
		return Generation{}, &Error{Code: codes.NotFound, Reason: ReadModelNotFound, Message: "the generation is gone"}
	}
	return Generation{}, nil
}

func isAbsentModel(err error) bool {
	return errors.Is(err, ReadModelNotFound) || errors.Is(err, TenantNotFound)
}
