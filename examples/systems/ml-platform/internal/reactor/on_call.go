package reactor

// On call: somebody is paged, once, for each run that has failed and each feature that has drifted.

import (
	"context"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/pager"
	"quipu/examples/ml-platform/internal/platform"
)

func newOnCall(platform *platform.Platform, settings Settings) *quipu.Reactor {
	handler := func(_ context.Context, recorded *quipu.RecordedEvent) error {
		page, err := pageAbout(recorded)
		if err != nil {
			return quipu.Park(err.Error())
		}
		return settings.Pager.Send(recorded.ID, page)
	}
	return newReactor(platform.Client, OnCall, handler,
		event.TypeTrainingRunFailed, event.TypeFeatureDriftDetected)
}

func pageAbout(recorded *quipu.RecordedEvent) (pager.Page, error) {
	page := pager.Page{About: recorded.Stream, Correlation: recorded.CorrelationID}
	if recorded.Type == event.TypeTrainingRunFailed {
		failed, err := event.Open[event.TrainingRunFailed](recorded)
		page.Subject = fmt.Sprintf("run %s failed after %d steps: %s", failed.Run, failed.Steps, failed.Reason)
		return page, err
	}
	detected, err := event.Open[event.FeatureDriftDetected](recorded)
	page.Subject = fmt.Sprintf("%s has drifted in batch %d of %s", detected.Feature, detected.Batch, detected.Model)
	return page, err
}
