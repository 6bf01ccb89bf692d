package quipu

// The changes of a batch of events that a projector has collected and not written yet.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Tx is what a projection changes documents with. It sees the changes of the events before, also of those that
// are not written yet. It is for the time of the call only, and for one goroutine.
type Tx struct {
	client     *Client
	model      string
	generation uint64
	now        map[DocumentKey]*txDocument
	order      []DocumentKey // those that were changed
	bytes      int
}

// txDocument is a document as it is now: read, or changed by the batch.
type txDocument struct {
	data      []byte
	exists    bool
	isChanged bool
}

// Get fills a value from a JSON document, or a *[]byte with the document as it is. False: there is none.
func (t *Tx) Get(ctx context.Context, documentType, id string, into any) (bool, error) {
	document, err := t.document(ctx, DocumentKey{documentType, id})
	if err != nil || !document.exists {
		return false, err
	}
	if raw, ok := into.(*[]byte); ok {
		*raw = append([]byte(nil), document.data...)
		return true, nil
	}
	if err := json.Unmarshal(document.data, into); err != nil {
		return false, fmt.Errorf("quipu: the document %s %s does not decode: %w", documentType, id, err)
	}
	return true, nil
}

// Upsert makes a document what it is from now on: []byte and json.RawMessage as they are, anything else by
// encoding/json. At most 1 MiB.
func (t *Tx) Upsert(documentType, id string, document any) error {
	data, err := payload(document)
	if err != nil {
		return invalidBecause(err, "the document %s %s does not encode", documentType, id)
	}
	t.change(DocumentKey{documentType, id}, txDocument{data: data, exists: true})
	return nil
}

// Delete removes a document. It does not matter whether it is there.
func (t *Tx) Delete(documentType, id string) {
	t.change(DocumentKey{documentType, id}, txDocument{})
}

func (t *Tx) change(key DocumentKey, document txDocument) {
	if before := t.now[key]; before == nil || !before.isChanged {
		t.order = append(t.order, key)
	} else {
		t.bytes -= len(before.data)
	}
	document.isChanged = true
	t.now[key] = &document
	t.bytes += len(document.data)
}

func (t *Tx) document(ctx context.Context, key DocumentKey) (*txDocument, error) {
	if document := t.now[key]; document != nil {
		return document, nil
	}
	document := &txDocument{}
	if t.generation != 0 { // otherwise nothing was written yet
		found, err := t.client.ReadModels.GetIn(ctx, t.model, t.generation, key.Type, key.ID)
		switch {
		case errors.Is(err, ReadModelNotFound):
		case err != nil:
			return nil, err
		default:
			document.data, document.exists = found.Data, true
		}
	}
	t.now[key] = document
	return document, nil
}
