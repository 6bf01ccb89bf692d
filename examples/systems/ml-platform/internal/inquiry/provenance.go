package inquiry

// The provenance of a model: from the model back to the run, the features, the data and the code.

import (
	"context"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

// generationsMax bounds how far back causes are followed.
const generationsMax = 32

// Provenance is where a model comes from.
type Provenance struct {
	// Model is how it was registered.
	Model event.ModelRegistered `json:"model"`
	// Run is how the training began: with its settings and its code.
	Run event.TrainingRunStarted `json:"run"`
	// Outcome is how the training ended.
	Outcome event.TrainingRunCompleted `json:"outcome"`
	// FeatureSet is what it was trained on.
	FeatureSet event.FeatureSetMaterialized `json:"feature_set"`
	// Features are how those were defined, each with its code.
	Features []event.FeatureDefined `json:"features"`
	// Dataset is the version that the features were computed over.
	Dataset event.DatasetVersionPublished `json:"dataset"`
	// Causes is the way back, by causation: the model first.
	Causes []Cause `json:"causes"`
	// Endeavour counts all that happened in the making of the model, by type: what shares its correlation.
	Endeavour map[string]int `json:"endeavour"`
}

// Cause is a step of the way back.
type Cause struct {
	// EventID, Type and Stream are those of the event.
	EventID string `json:"event_id"`
	Type    string `json:"type"`
	Stream  string `json:"stream"`
}

// ProvenanceOf finds out where a model comes from. It fails where the way back is broken.
func ProvenanceOf(ctx context.Context, client *quipu.Client, model string) (Provenance, error) {
	found := Provenance{Endeavour: map[string]int{}}
	first, err := client.ReadStream(ctx, event.ModelStream(model), quipu.ReadStreamOptions{Limit: 1}).Collect()
	if err != nil {
		return found, err
	}
	if err := found.followCauses(ctx, client, first[0]); err != nil {
		return found, fmt.Errorf("the provenance of model %s: %w", model, err)
	}
	for _, baseline := range found.FeatureSet.Baselines {
		defined, err := definitionOf(ctx, client, baseline.Feature)
		if err != nil {
			return found, fmt.Errorf("the provenance of model %s: %w", model, err)
		}
		found.Features = append(found.Features, defined)
	}
	for recorded, err := range Find(ctx, client, Search{Correlation: first[0].CorrelationID}) {
		if err != nil {
			return found, err
		}
		found.Endeavour[recorded.Type]++
	}
	return found, nil
}

// followCauses goes from the model to the version of the dataset, which nothing on the platform has caused.
func (p *Provenance) followCauses(ctx context.Context, client *quipu.Client, recorded *quipu.RecordedEvent) error {
	for range generationsMax {
		p.Causes = append(p.Causes, Cause{recorded.ID, recorded.Type, recorded.Stream})
		isOrigin, err := p.note(recorded)
		if isOrigin || err != nil {
			return err
		}
		if recorded.CausationID == "" {
			return fmt.Errorf("nothing is said about the cause of the %s in %s", recorded.Type, recorded.Stream)
		}
		if recorded, err = client.GetEvent(ctx, recorded.CausationID); err != nil {
			return err
		}
	}
	return fmt.Errorf("there are more than %d causes", generationsMax)
}

// note takes what an event on the way says, and tells whether it is the origin.
func (p *Provenance) note(recorded *quipu.RecordedEvent) (isOrigin bool, err error) {
	switch recorded.Type {
	case event.TypeModelRegistered:
		p.Model, err = event.Open[event.ModelRegistered](recorded)
	case event.TypeTrainingRunCompleted:
		p.Outcome, err = event.Open[event.TrainingRunCompleted](recorded)
	case event.TypeTrainingRunStarted:
		p.Run, err = event.Open[event.TrainingRunStarted](recorded)
	case event.TypeFeatureSetMaterialized:
		p.FeatureSet, err = event.Open[event.FeatureSetMaterialized](recorded)
	case event.TypeDatasetVersionPublished:
		p.Dataset, err = event.Open[event.DatasetVersionPublished](recorded)
		return true, err
	}
	return false, err
}

func definitionOf(ctx context.Context, client *quipu.Client, feature string) (event.FeatureDefined, error) {
	options := quipu.ReadStreamOptions{Types: []string{event.TypeFeatureDefined}, Limit: 1}
	defined, err := client.ReadStream(ctx, event.FeatureStream(feature), options).Collect()
	if err != nil {
		return event.FeatureDefined{}, err
	}
	if len(defined) == 0 {
		return event.FeatureDefined{}, fmt.Errorf("feature %s has no definition", feature)
	}
	return event.Open[event.FeatureDefined](defined[0])
}
