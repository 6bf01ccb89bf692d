package event

// What happens to data.

// DatasetRegistered says that there is a dataset.
type DatasetRegistered struct {
	v1
	Dataset string            `json:"dataset"`
	Owner   string            `json:"owner"`
	Columns map[string]string `json:"columns"`
}

// DatasetVersionPublished says that a dataset has a new version, which never changes.
type DatasetVersionPublished struct {
	v1
	Dataset  string `json:"dataset"`
	Number   int    `json:"version"`
	Rows     int    `json:"rows"`
	URI      string `json:"uri"`
	Checksum string `json:"checksum"`
}

// DatasetQualityChecked says whether a version is fit for training.
type DatasetQualityChecked struct {
	v1
	Dataset   string  `json:"dataset"`
	Number    int     `json:"version"`
	NullShare float64 `json:"null_share"`
	Passed    bool    `json:"passed"`
}

// EventType is the event's type.
func (DatasetRegistered) EventType() string { return TypeDatasetRegistered }

// EventType is the event's type.
func (DatasetVersionPublished) EventType() string { return TypeDatasetVersionPublished }

// EventType is the event's type.
func (DatasetQualityChecked) EventType() string { return TypeDatasetQualityChecked }
