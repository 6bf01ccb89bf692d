package quipu

// What projectors make of events, kept next to them.

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"quipu/client/quipupb"
)

// ReadModels holds documents that projectors make of events, by type and id. Write them with a [Projector].
type ReadModels struct {
	client *Client
	api    quipupb.ReadModelsClient
}

// Document is a document of a read model.
type Document struct {
	// Type is what kind of document it is, such as `customer`.
	Type string
	// ID is its own name within the type.
	ID string
	// Data is what it holds, opaque to the store.
	Data []byte
	// ContentType is the media type of Data. Empty means `application/json`.
	ContentType string
	// Position is that of the write that made it so.
	Position uint64
	// UpdatedAt is the server's time of that write.
	UpdatedAt time.Time
}

// DocumentToWrite is a document as it is to be.
type DocumentToWrite struct {
	// Type is what kind of document it is; 1 to 256 bytes.
	Type string
	// ID is its own name within the type; 1 to 256 bytes.
	ID string
	// Data is what it holds: []byte and json.RawMessage go as they are, anything else goes through
	// encoding/json. At most 1 MiB.
	Data any
	// ContentType is the media type of Data. Empty: `application/json`.
	ContentType string
}

// DocumentKey is the name of a document.
type DocumentKey struct {
	// Type is what kind of document it is.
	Type string
	// ID is its own name within the type.
	ID string
}

// Generation is a generation of a read model.
type Generation struct {
	// Number counts from 1.
	Number uint64
	// Position is that of the last event that is in it; 0: none yet.
	Position uint64
	// IsActive: it is what readers see.
	IsActive bool
	// UpdatedAt is the server's time of the last write.
	UpdatedAt time.Time
}

// ReadModelWrite is a change of documents and of the position.
type ReadModelWrite struct {
	// Model is the read model's name.
	Model string
	// Generation is which one. 0: the active one.
	Generation uint64
	// ExpectedPosition is where the generation must be; 0: nothing was written yet.
	ExpectedPosition uint64
	// Position is where it is from now on: at least ExpectedPosition, at most the head.
	Position uint64
	// Upserts are documents as they are from now on.
	Upserts []DocumentToWrite
	// Deletes are documents that go; it does not matter whether they are there.
	Deletes []DocumentKey
}

// DocumentQuery says which documents are listed.
type DocumentQuery struct {
	// Type is what kind of documents. Empty: all, by type and id.
	Type string
	// IDPrefix: only documents whose ids begin with this. Needs Type.
	IDPrefix string
	// PageSize is how many are asked for at a time. 0: 100; at most 1,000.
	PageSize uint32
	// Offset: pass over so many first. Costs what it passes over.
	Offset uint64
	// Generation is which one. 0: the active one.
	Generation uint64
}

// Decode fills a value from a JSON document.
func (d *Document) Decode(into any) error {
	if err := json.Unmarshal(d.Data, into); err != nil {
		return fmt.Errorf("quipu: the document %s %s does not decode: %w", d.Type, d.ID, err)
	}
	return nil
}

// Write changes documents and the position, all or nothing, and returns the generation written. The first write
// makes the read model. [WrongReadModelPosition] when the generation is not at the expected position, which is
// also so when a try went in whose answer was lost: ask for its position and go on behind it.
func (r *ReadModels) Write(ctx context.Context, write ReadModelWrite) (uint64, error) {
	request := &quipupb.ReadModelsWriteRequest{
		Model: write.Model, Generation: write.Generation,
		ExpectedPosition: &write.ExpectedPosition, Position: &write.Position,
	}
	for _, document := range write.Upserts {
		data, err := payload(document.Data)
		if err != nil {
			return 0, invalidBecause(err, "the document %s %s does not encode", document.Type, document.ID)
		}
		request.Upserts = append(request.Upserts, &quipupb.Document{
			Type: document.Type, Id: document.ID, Data: data, ContentType: document.ContentType,
		})
	}
	for _, key := range write.Deletes {
		request.Deletes = append(request.Deletes, &quipupb.DocumentKey{Type: key.Type, Id: key.ID})
	}
	answer, err := call(ctx, r.client, r.api.Write, request)
	return answer.GetGeneration(), err
}

// Get returns a document of the active generation. [ReadModelNotFound] when there is none.
func (r *ReadModels) Get(ctx context.Context, model, documentType, id string) (*Document, error) {
	return r.GetIn(ctx, model, 0, documentType, id)
}

// GetIn returns a document of a generation, 0 for the active one. [ReadModelNotFound] when there is none.
func (r *ReadModels) GetIn(
	ctx context.Context, model string, generation uint64, documentType, id string,
) (*Document, error) {
	request := &quipupb.ReadModelsGetRequest{Model: model, Type: documentType, Id: id, Generation: generation}
	answer, err := call(ctx, r.client, r.api.Get, request)
	if err != nil {
		return nil, err
	}
	return documentFromWire(answer.Document), nil
}

// List gives documents by type, in the order of their ids.
func (r *ReadModels) List(ctx context.Context, model string, query DocumentQuery) iter.Seq2[*Document, error] {
	return pages(func(token string) ([]*Document, string, error) {
		request := &quipupb.ReadModelsListRequest{
			Model: model, Type: query.Type, IdPrefix: query.IDPrefix, PageSize: query.PageSize, PageToken: token,
			Generation: query.Generation,
		}
		if token == "" {
			request.Offset = query.Offset
		}
		answer, err := call(ctx, r.client, r.api.List, request)
		return mapped(answer.GetDocuments(), documentFromWire), answer.GetNextPageToken(), err
	})
}

// Describe tells how far each generation of a read model is, ascending. [ReadModelNotFound] when there is no
// such read model.
func (r *ReadModels) Describe(ctx context.Context, model string) ([]Generation, error) {
	answer, err := call(ctx, r.client, r.api.Describe, &quipupb.ReadModelsDescribeRequest{Model: model})
	if err != nil {
		return nil, err
	}
	return mapped(answer.Generations, func(wire *quipupb.ReadModelGeneration) Generation {
		return Generation{wire.Generation, wire.Position, wire.IsActive, timeFromWire(wire.UpdatedAt)}
	}), nil
}

// ListModels gives the names of read models that begin with prefix, sorted.
func (r *ReadModels) ListModels(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return pages(func(token string) ([]string, string, error) {
		request := &quipupb.ReadModelsListModelsRequest{Prefix: prefix, PageToken: token}
		answer, err := call(ctx, r.client, r.api.ListModels, request)
		return answer.GetModels(), answer.GetNextPageToken(), err
	})
}

// Begin makes a new generation, empty and at position 0, which readers do not see yet, and returns its number.
// A read model that is not there yet is made, with this as its active generation. A try whose answer was lost
// leaves an empty generation behind, which the next Switch deletes.
func (r *ReadModels) Begin(ctx context.Context, model string) (uint64, error) {
	answer, err := call(ctx, r.client, r.api.Begin, &quipupb.ReadModelsBeginRequest{Model: model})
	return answer.GetGeneration(), err
}

// Switch makes a generation the active one and deletes all older ones, if it is at the expected position; nil is
// no condition. [ReadModelNotFound] when there is none of this number, [WrongReadModelPosition].
func (r *ReadModels) Switch(ctx context.Context, model string, generation uint64, expectedPosition *uint64) error {
	_, err := call(ctx, r.client, r.api.Switch, &quipupb.ReadModelsSwitchRequest{
		Model: model, Generation: generation, ExpectedPosition: expectedPosition,
	})
	return err
}

// Delete deletes a read model with all of its generations. [ReadModelNotFound] when there is none.
func (r *ReadModels) Delete(ctx context.Context, model string) error {
	_, err := call(ctx, r.client, r.api.Delete, &quipupb.ReadModelsDeleteRequest{Model: model})
	return err
}

// DeleteGeneration deletes a generation that is not active.
func (r *ReadModels) DeleteGeneration(ctx context.Context, model string, generation uint64) error {
	if generation == 0 { // which would mean all of them
		return invalid("a generation counts from 1")
	}
	request := &quipupb.ReadModelsDeleteRequest{Model: model, Generation: generation}
	_, err := call(ctx, r.client, r.api.Delete, request)
	return err
}

func documentFromWire(wire *quipupb.Document) *Document {
	return &Document{
		Type: wire.GetType(), ID: wire.GetId(), Data: wire.GetData(), ContentType: wire.GetContentType(),
		Position: wire.GetPosition(), UpdatedAt: timeFromWire(wire.GetUpdatedAt()),
	}
}
