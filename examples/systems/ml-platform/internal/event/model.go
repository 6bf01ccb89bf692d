package event

// What happens to models.

// ModelRegistered says that a run has brought forth a model.
type ModelRegistered struct {
	v1
	Model      string  `json:"model"`
	Family     string  `json:"family"`
	Run        string  `json:"run"`
	FeatureSet string  `json:"feature_set"`
	Code       Code    `json:"code"`
	Artifact   string  `json:"artifact"`
	Accuracy   float64 `json:"accuracy"`
}

// Slice is how good a model is for a part of the data.
type Slice struct {
	Slice    string  `json:"slice"`
	Accuracy float64 `json:"accuracy"`
	Rows     int     `json:"rows"`
}

// ModelEvaluated says how good a model is on data that it has not seen.
type ModelEvaluated struct {
	v1
	Model     string  `json:"model"`
	Accuracy  float64 `json:"accuracy"`
	Threshold float64 `json:"threshold"`
	Passed    bool    `json:"passed"`
	Slices    []Slice `json:"slices"`
}

// ModelPromoted says that a model is used.
type ModelPromoted struct {
	v1
	Model      string `json:"model"`
	Stage      string `json:"stage"`
	ApprovedBy string `json:"approved_by"`
}

// ModelRetired says that a model is no longer used.
type ModelRetired struct {
	v1
	Model  string `json:"model"`
	Reason string `json:"reason"`
}

// EventType is the event's type.
func (ModelRegistered) EventType() string { return TypeModelRegistered }

// EventType is the event's type.
func (ModelEvaluated) EventType() string { return TypeModelEvaluated }

// EventType is the event's type.
func (ModelPromoted) EventType() string { return TypeModelPromoted }

// EventType is the event's type.
func (ModelRetired) EventType() string { return TypeModelRetired }
