package event

// The names of the events, and of the streams that they are in.

// The types of events, by what they are about.
const (
	TypeDatasetRegistered       = "DatasetRegistered"
	TypeDatasetVersionPublished = "DatasetVersionPublished"
	TypeDatasetQualityChecked   = "DatasetQualityChecked"

	TypeFeatureDefined         = "FeatureDefined"
	TypeFeatureSetMaterialized = "FeatureSetMaterialized"
	TypeFeatureDriftDetected   = "FeatureDriftDetected"

	TypeTrainingRunStarted      = "TrainingRunStarted"
	TypeTrainingProgressed      = "TrainingProgressed"
	TypeTrainingCheckpointSaved = "TrainingCheckpointSaved"
	TypeTrainingRunCompleted    = "TrainingRunCompleted"
	TypeTrainingRunFailed       = "TrainingRunFailed"

	TypeModelRegistered = "ModelRegistered"
	TypeModelEvaluated  = "ModelEvaluated"
	TypeModelPromoted   = "ModelPromoted"
	TypeModelRetired    = "ModelRetired"

	TypePredictionsServed          = "PredictionsServed"
	TypePredictionFeedbackReceived = "PredictionFeedbackReceived"
)

// Types are all of them.
func Types() []string {
	return []string{
		TypeDatasetRegistered, TypeDatasetVersionPublished, TypeDatasetQualityChecked,
		TypeFeatureDefined, TypeFeatureSetMaterialized, TypeFeatureDriftDetected,
		TypeTrainingRunStarted, TypeTrainingProgressed, TypeTrainingCheckpointSaved,
		TypeTrainingRunCompleted, TypeTrainingRunFailed,
		TypeModelRegistered, TypeModelEvaluated, TypeModelPromoted, TypeModelRetired,
		TypePredictionsServed, TypePredictionFeedbackReceived,
	}
}

// DatasetStream is where a dataset's life is.
func DatasetStream(dataset string) string { return "dataset-" + dataset }

// FeatureStream is where a feature's life is.
func FeatureStream(feature string) string { return "feature-" + feature }

// FeatureSetStream is where a set of features that was computed over a dataset is.
func FeatureSetStream(featureSet string) string { return "featureset-" + featureSet }

// RunStream is where a training run is.
func RunStream(run string) string { return "run-" + run }

// ModelStream is where a model's life is.
func ModelStream(model string) string { return "model-" + model }

// DeploymentStream is where the predictions of a model are.
func DeploymentStream(model string) string { return "deployment-" + model }
