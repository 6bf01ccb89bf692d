package projection

// The model catalogue: what models there are and how they fare, and what they are made of.

import (
	"context"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
)

const (
	// ModelCatalogue is the name of the read model about models.
	ModelCatalogue = "model-catalogue"
	// Models are its documents about one model each.
	Models = "model"
	// Families are its documents about models for one purpose each.
	Families = "family"
	// Datasets are its documents about one dataset each.
	Datasets = "dataset"
	// Features are its documents about one feature each.
	Features = "feature"
)

// Model is what is known of a model.
type Model struct {
	Model      string     `json:"model"`
	Family     string     `json:"family"`
	Run        string     `json:"run"`
	FeatureSet string     `json:"feature_set"`
	Commit     string     `json:"commit"`
	Stage      string     `json:"stage"`
	Trained    float64    `json:"accuracy_in_training"`
	Evaluated  float64    `json:"accuracy_in_evaluation"`
	Slices     int        `json:"slices"`
	PromotedAt *time.Time `json:"promoted_at,omitempty"`
	RetiredAt  *time.Time `json:"retired_at,omitempty"`
	Batches    int        `json:"batches"`
	Rows       int        `json:"rows"`
	Right      int        `json:"right"`
	Wrong      int        `json:"wrong"`
}

// Family is what is known of the models for one purpose.
type Family struct {
	Family     string `json:"family"`
	Registered int    `json:"registered"`
	Promoted   int    `json:"promoted"`
	Retired    int    `json:"retired"`
}

// Dataset is what is known of a dataset.
type Dataset struct {
	Dataset      string `json:"dataset"`
	Owner        string `json:"owner"`
	Versions     int    `json:"versions"`
	Rows         int    `json:"rows"`
	Checks       int    `json:"checks"`
	FailedChecks int    `json:"failed_checks"`
}

// Feature is what is known of a feature.
type Feature struct {
	Feature   string  `json:"feature"`
	Commit    string  `json:"commit"`
	Sets      int     `json:"sets"`
	Drifts    int     `json:"drifts"`
	LastScore float64 `json:"last_score"`
}

var catalogueEvents = quipu.Match(quipu.QueryItem{
	Categories: []string{"dataset", "feature", "featureset", "model", "deployment"},
})

// projectCatalogue makes the model catalogue.
func projectCatalogue(projector *quipu.Projector) {
	projector.On(event.TypeDatasetRegistered, on(datasetRegistered))
	projector.On(event.TypeDatasetVersionPublished, on(versionPublished))
	projector.On(event.TypeDatasetQualityChecked, on(qualityChecked))
	projector.On(event.TypeFeatureDefined, on(featureDefined))
	projector.On(event.TypeFeatureSetMaterialized, on(setMaterialized))
	projector.On(event.TypeFeatureDriftDetected, on(driftDetected))
	projector.On(event.TypeModelRegistered, on(modelRegistered))
	projector.On(event.TypeModelEvaluated, on(modelEvaluated))
	projector.On(event.TypeModelPromoted, on(modelPromoted))
	projector.On(event.TypeModelRetired, on(modelRetired))
	projector.On(event.TypePredictionsServed, on(predictionsServed))
	projector.On(event.TypePredictionFeedbackReceived, on(feedbackReceived))
}

func datasetRegistered(ctx context.Context, said event.DatasetRegistered, _ time.Time, tx *quipu.Tx) error {
	return tx.Upsert(Datasets, said.Dataset, Dataset{Dataset: said.Dataset, Owner: said.Owner})
}

func versionPublished(ctx context.Context, said event.DatasetVersionPublished, _ time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Datasets, said.Dataset, func(dataset *Dataset) error {
		dataset.Versions++
		dataset.Rows = said.Rows
		return nil
	})
}

func qualityChecked(ctx context.Context, said event.DatasetQualityChecked, _ time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Datasets, said.Dataset, func(dataset *Dataset) error {
		dataset.Checks++
		if !said.Passed {
			dataset.FailedChecks++
		}
		return nil
	})
}

func featureDefined(ctx context.Context, said event.FeatureDefined, _ time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Features, said.Feature, func(feature *Feature) error {
		feature.Feature, feature.Commit = said.Feature, said.Code.Commit
		return nil
	})
}

func setMaterialized(ctx context.Context, said event.FeatureSetMaterialized, _ time.Time, tx *quipu.Tx) error {
	for _, baseline := range said.Baselines {
		err := changeDocument(ctx, tx, Features, baseline.Feature, func(feature *Feature) error {
			feature.Feature = baseline.Feature
			feature.Sets++
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func driftDetected(ctx context.Context, said event.FeatureDriftDetected, _ time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Features, said.Feature, func(feature *Feature) error {
		feature.Drifts++
		feature.LastScore = said.Score
		return nil
	})
}

func modelRegistered(ctx context.Context, said event.ModelRegistered, _ time.Time, tx *quipu.Tx) error {
	err := tx.Upsert(Models, said.Model, Model{
		Model: said.Model, Family: said.Family, Run: said.Run, FeatureSet: said.FeatureSet,
		Commit: said.Code.Commit, Stage: "registered", Trained: said.Accuracy,
	})
	if err != nil {
		return err
	}
	return changeFamily(ctx, tx, said.Family, func(family *Family) { family.Registered++ })
}

func modelEvaluated(ctx context.Context, said event.ModelEvaluated, _ time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Models, said.Model, func(model *Model) error {
		model.Evaluated, model.Slices = said.Accuracy, len(said.Slices)
		if !said.Passed {
			model.Stage = "rejected"
		}
		return nil
	})
}

func modelPromoted(ctx context.Context, said event.ModelPromoted, at time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Models, said.Model, func(model *Model) error {
		model.Stage, model.PromotedAt = said.Stage, &at
		return changeFamily(ctx, tx, model.Family, func(family *Family) { family.Promoted++ })
	})
}

func modelRetired(ctx context.Context, said event.ModelRetired, at time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Models, said.Model, func(model *Model) error {
		model.Stage, model.RetiredAt = "retired", &at
		return changeFamily(ctx, tx, model.Family, func(family *Family) { family.Retired++ })
	})
}

func predictionsServed(ctx context.Context, said event.PredictionsServed, _ time.Time, tx *quipu.Tx) error {
	return changeDocument(ctx, tx, Models, said.Model, func(model *Model) error {
		model.Batches++
		model.Rows += len(said.Values)
		return nil
	})
}

func feedbackReceived(
	ctx context.Context, said event.PredictionFeedbackReceived, _ time.Time, tx *quipu.Tx,
) error {
	return changeDocument(ctx, tx, Models, said.Model, func(model *Model) error {
		model.Right += said.Right
		model.Wrong += said.Wrong
		return nil
	})
}

func changeFamily(ctx context.Context, tx *quipu.Tx, name string, change func(family *Family)) error {
	return changeDocument(ctx, tx, Families, name, func(family *Family) error {
		family.Family = name
		change(family)
		return nil
	})
}
