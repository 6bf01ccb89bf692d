package quipu

// One go of a projector: from where a generation is until somebody else has written to it.

import "context"

// projectorRun is a generation with how far it is known to be.
type projectorRun struct {
	projector  *Projector
	generation uint64 // 0: the read model is not there yet
	position   uint64
}

// follow projects what comes into a generation, 0 for the active one, for ever or until caught up. It tells
// whether anything was written.
func (r *projectorRun) follow(ctx context.Context, number uint64, untilCaughtUp bool) (hasMoved bool, err error) {
	generation, err := r.projector.generation(ctx, number)
	if err != nil {
		return false, err
	}
	r.generation, r.position = generation.Number, generation.Position
	options := r.projector.options
	following := batches{
		client: r.projector.client,
		size:   options.BatchSize,
		options: SubscribeAllOptions{
			From: AfterPosition(r.position), Query: options.Query, IncludeSystem: options.IncludeSystem,
		},
		take: func(events []*RecordedEvent, position uint64, isCaughtUp bool) (bool, error) {
			return untilCaughtUp && isCaughtUp, r.take(ctx, events, position)
		},
	}
	err = following.run(ctx)
	return r.position > generation.Position, err
}

// take projects a batch and writes it, in pieces where it makes much.
func (r *projectorRun) take(ctx context.Context, events []*RecordedEvent, position uint64) error {
	tx := r.begin()
	for _, event := range events {
		if err := r.projector.handle(ctx, event, tx); err != nil {
			return err
		}
		if tx.bytes >= writeBytesMax {
			if err := r.write(ctx, tx, event.Position); err != nil {
				return err
			}
			tx = r.begin()
		}
	}
	return r.write(ctx, tx, position)
}

func (r *projectorRun) begin() *Tx {
	return &Tx{
		client: r.projector.client, model: r.projector.model, generation: r.generation,
		now: map[DocumentKey]*txDocument{},
	}
}

// handle calls the projections of an event.
func (p *Projector) handle(ctx context.Context, event *RecordedEvent, tx *Tx) error {
	for _, projection := range p.handlers.lookup(p.client.log, "projection", event.Type, event.Version()) {
		if err := guarded(func() error { return projection(ctx, event, tx) }); err != nil {
			return &HandlerError{event.Type, event.Version(), event.Position, err}
		}
	}
	return nil
}

// write puts changes and position in, on condition of the position before.
func (r *projectorRun) write(ctx context.Context, tx *Tx, position uint64) error {
	if position == r.position {
		return nil
	}
	write := ReadModelWrite{
		Model: r.projector.model, Generation: r.generation, ExpectedPosition: r.position, Position: position,
	}
	for _, key := range tx.order {
		document := tx.now[key]
		if document.exists {
			write.Upserts = append(write.Upserts, DocumentToWrite{Type: key.Type, ID: key.ID, Data: document.data})
		} else {
			write.Deletes = append(write.Deletes, key)
		}
	}
	generation, err := r.projector.client.ReadModels.Write(ctx, write)
	if err != nil {
		return err
	}
	r.generation, r.position = generation, position
	return nil
}
