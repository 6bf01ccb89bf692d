package event

// What happens in a training run. Progress has had several shapes over the years, and all of them are in the log.

// TrainingRunStarted says what is trained, on what, by which code and with which settings.
type TrainingRunStarted struct {
	v1
	Run             string             `json:"run"`
	Family          string             `json:"family"`
	FeatureSet      string             `json:"feature_set"`
	Code            Code               `json:"code"`
	Hyperparameters map[string]float64 `json:"hyperparameters"`
	PlannedSteps    int                `json:"planned_steps"`
}

// TrainingProgressedV1 is a step as the first trainers told it: a loss and nothing else.
type TrainingProgressedV1 struct {
	v1
	Step int     `json:"step"`
	Loss float64 `json:"loss"`
}

// Metrics are the measures of a step.
type Metrics struct {
	Loss     float64 `json:"loss"`
	Accuracy float64 `json:"accuracy"`
}

// TrainingProgressed is a step as trainers tell it today.
type TrainingProgressed struct {
	Step    int     `json:"step"`
	Epoch   int     `json:"epoch"`
	Metrics Metrics `json:"metrics"`
}

// TrainingProgressedV21 is a step of a trainer that also changes its learning rate.
type TrainingProgressedV21 struct {
	TrainingProgressed
	LearningRate float64 `json:"learning_rate"`
}

// TrainingProgressedPreview is a step of the trainer to come, whose shape nothing here is made for yet.
type TrainingProgressedPreview struct {
	Step    int                `json:"step"`
	Losses  map[string]float64 `json:"losses"`
	Devices int                `json:"devices"`
}

// TrainingCheckpointSaved says that a run can be gone on with from a step.
type TrainingCheckpointSaved struct {
	v1
	Step     int    `json:"step"`
	URI      string `json:"uri"`
	Checksum string `json:"checksum"`
}

// TrainingRunCompleted says what a run came to. The digest is that of all of its steps, by the trainer's own count.
type TrainingRunCompleted struct {
	v1
	Run      string  `json:"run"`
	Steps    int     `json:"steps"`
	Accuracy float64 `json:"accuracy"`
	Digest   string  `json:"digest"`
	Artifact string  `json:"artifact"`
}

// TrainingRunFailed says why a run came to nothing.
type TrainingRunFailed struct {
	v1
	Run    string `json:"run"`
	Steps  int    `json:"steps"`
	Digest string `json:"digest"`
	Reason string `json:"reason"`
}

// EventType is the event's type.
func (TrainingRunStarted) EventType() string { return TypeTrainingRunStarted }

// EventType is the event's type.
func (TrainingProgressedV1) EventType() string { return TypeTrainingProgressed }

// EventType is the event's type.
func (TrainingProgressed) EventType() string { return TypeTrainingProgressed }

// Version is the version of the shape.
func (TrainingProgressed) Version() string { return "2.0" }

// Version is the version of the shape.
func (TrainingProgressedV21) Version() string { return "2.1" }

// EventType is the event's type.
func (TrainingProgressedPreview) EventType() string { return TypeTrainingProgressed }

// Version is the version of the shape.
func (TrainingProgressedPreview) Version() string { return "3.0" }

// EventType is the event's type.
func (TrainingCheckpointSaved) EventType() string { return TypeTrainingCheckpointSaved }

// EventType is the event's type.
func (TrainingRunCompleted) EventType() string { return TypeTrainingRunCompleted }

// EventType is the event's type.
func (TrainingRunFailed) EventType() string { return TypeTrainingRunFailed }
