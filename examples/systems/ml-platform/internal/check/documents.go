package check

// Reading the log and the read models, and comparing them.

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	quipu "quipu/client"
)

// Log gives all events of the log.
func Log(ctx context.Context, client *quipu.Client) ([]Fact, error) {
	var facts []Fact
	for recorded, err := range client.ReadAll(ctx, quipu.ReadAllOptions{}).Events() {
		if err != nil {
			return nil, err
		}
		fact, err := FactOf(recorded)
		if err != nil {
			return nil, fmt.Errorf("at position %d: %w", recorded.Position, err)
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

// Load gives all documents of read models, as readers see them.
func Load(ctx context.Context, client *quipu.Client, models ...string) (Documents, error) {
	documents := Documents{}
	for _, model := range models {
		for document, err := range client.ReadModels.List(ctx, model, quipu.DocumentQuery{PageSize: 1000}) {
			if err != nil {
				return nil, err
			}
			var content object
			if err := document.Decode(&content); err != nil {
				return nil, err
			}
			documents[model+"/"+document.Type+"/"+document.ID] = content
		}
	}
	return documents, nil
}

// Differences tells, document by document, where the found are not the expected.
func Differences(found, expected Documents) []string {
	var differences []string
	for _, key := range slices.Sorted(maps.Keys(expected)) {
		switch content := found[key]; {
		case content == nil:
			differences = append(differences, key+" is missing")
		case !reflect.DeepEqual(content, expected[key]):
			differences = append(differences, fmt.Sprintf("%s is %v, expected %v", key, content, expected[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if expected[key] == nil {
			differences = append(differences, key+" should not be there")
		}
	}
	return differences
}
