package check

// Whether every run can be replayed exactly and every model traced back, and whether the log has what was planned.

import (
	"context"
	"fmt"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/inquiry"
	"quipu/examples/ml-platform/internal/workload"
)

// Promises tells which runs can not be replayed exactly, which models can not be traced back to their data and code,
// and which planned steps are missing.
func Promises(ctx context.Context, client *quipu.Client, facts []Fact, plan workload.Plan) ([]string, error) {
	var wrong []string
	replayed := map[string]int{}
	for _, fact := range facts {
		switch fact.Type {
		case "TrainingRunStarted":
			run := after(fact.Stream)
			replay, err := inquiry.ReplayRun(ctx, client, run, func(inquiry.Step) error { return nil })
			if err != nil {
				return nil, err
			}
			if replayed[run] = replay.Steps; !replay.IsExact() {
				wrong = append(wrong, fmt.Sprintf("run %s can not be replayed exactly", run))
			}
		case "ModelRegistered":
			if fact.Metadata["source"] != "" {
				continue // the old system said nothing about its data
			}
			found, err := inquiry.ProvenanceOf(ctx, client, after(fact.Stream))
			if err != nil {
				wrong = append(wrong, err.Error())
			} else if found.Endeavour["TrainingProgressed"] != found.Outcome.Steps || len(found.Features) == 0 {
				wrong = append(wrong, "the provenance of "+fact.Stream+" is incomplete")
			}
		}
	}
	for _, line := range plan.Lines {
		for _, endeavour := range line {
			if steps := len(endeavour.Steps); endeavour.Checked.Passed && replayed[endeavour.Run] != steps {
				wrong = append(wrong, fmt.Sprintf("run %s has %d of %d steps", endeavour.Run, replayed[endeavour.Run], steps))
			}
		}
	}
	return wrong, nil
}
