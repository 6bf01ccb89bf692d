package event

// What happens to features.

// Code is a state of a repository.
type Code struct {
	Repository string `json:"repository"`
	Commit     string `json:"commit"`
}

// FeatureDefined says how a feature is computed, and by which code.
type FeatureDefined struct {
	v1
	Feature    string `json:"feature"`
	Expression string `json:"expression"`
	Code       Code   `json:"code"`
}

// Baseline is how a feature's values were spread when it was computed.
type Baseline struct {
	Feature   string  `json:"feature"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
}

// FeatureSetMaterialized says that features were computed over a version of a dataset.
type FeatureSetMaterialized struct {
	v1
	FeatureSet     string     `json:"feature_set"`
	Dataset        string     `json:"dataset"`
	DatasetVersion int        `json:"dataset_version"`
	Rows           int        `json:"rows"`
	Baselines      []Baseline `json:"baselines"`
}

// FeatureDriftDetected says that a feature's values in use are no longer what they were in training.
type FeatureDriftDetected struct {
	v1
	Feature  string  `json:"feature"`
	Model    string  `json:"model"`
	Batch    int     `json:"batch"`
	Baseline float64 `json:"baseline"`
	Observed float64 `json:"observed"`
	Score    float64 `json:"score"`
}

// EventType is the event's type.
func (FeatureDefined) EventType() string { return TypeFeatureDefined }

// EventType is the event's type.
func (FeatureSetMaterialized) EventType() string { return TypeFeatureSetMaterialized }

// EventType is the event's type.
func (FeatureDriftDetected) EventType() string { return TypeFeatureDriftDetected }
