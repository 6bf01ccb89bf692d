package event

// What happens when models are used.

// PredictionsServed says what a model was asked in a batch: the values of its leading feature.
type PredictionsServed struct {
	v1
	Model   string    `json:"model"`
	Batch   int       `json:"batch"`
	Feature string    `json:"feature"`
	Unit    string    `json:"unit"`
	Values  []float64 `json:"values"`
}

// PredictionFeedbackReceived says how often a batch's predictions came true.
type PredictionFeedbackReceived struct {
	v1
	Model string `json:"model"`
	Batch int    `json:"batch"`
	Right int    `json:"right"`
	Wrong int    `json:"wrong"`
}

// EventType is the event's type.
func (PredictionsServed) EventType() string { return TypePredictionsServed }

// EventType is the event's type.
func (PredictionFeedbackReceived) EventType() string { return TypePredictionFeedbackReceived }
