package history_test

import (
	"bytes"
	"errors"
	"testing"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/contract"
	"quipu/examples/ml-platform/internal/event"
	"quipu/examples/ml-platform/internal/history"
	"quipu/examples/ml-platform/internal/inquiry"
	"quipu/examples/ml-platform/internal/platformtest"
	"quipu/examples/ml-platform/internal/workload"
)

func export(t *testing.T) []history.Line {
	lines, err := workload.Past(1, 5)
	platformtest.OK(t, err)
	var file bytes.Buffer
	platformtest.OK(t, history.Write(&file, lines))
	lines, err = history.Read(&file)
	platformtest.OK(t, err)
	return lines
}

func TestHistoryKeepsItsOwnTimesAndASecondImportAddsNothing(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	lines := export(t)
	// Broken off in the middle, then done whole, then done again.
	for _, it := range []struct {
		lines    []history.Line
		expected history.Imported
	}{
		{lines[:33], history.Imported{Added: 33}},
		{lines[:33], history.Imported{Known: 33}},
		{lines, history.Imported{Known: 33, Added: len(lines) - 33}},
		{lines, history.Imported{Known: len(lines)}},
	} {
		imported, err := history.Import(ctx, platform.Client, it.lines)
		if err != nil || imported != it.expected {
			t.Fatalf("%+v %v, expected %+v", imported, err, it.expected)
		}
	}
	for _, line := range lines {
		id := event.DerivedID("history:"+line.Key, "0")
		recorded := platformtest.Must[*quipu.RecordedEvent](t)(platform.Client.GetEvent(ctx, id))
		if !recorded.OccurredAt.Equal(line.HappenedAt) || !event.IsHistory(recorded) || recorded.Stream != line.Stream {
			t.Fatal(line.Key, recorded)
		}
	}
	replayed, err := inquiry.ReplayRun(ctx, platform.Client, "old-churn-000", func(inquiry.Step) error { return nil })
	if err != nil || !replayed.IsExact() || replayed.Steps != 30 {
		t.Error("a run of the old system is replayed as", replayed, err)
	}
}

func TestAStreamThatHasOtherEventsIsLeftAlone(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	lines := export(t)
	other := quipu.NewEvent{Type: "Other"}
	_, err := platform.Client.Append(ctx, lines[0].Stream, quipu.NoStream, []quipu.NewEvent{other})
	platformtest.OK(t, err)
	if imported, err := history.Import(ctx, platform.Client, lines); err == nil || imported.Added > 0 {
		t.Error(imported, err)
	}
}

func TestALineThatBreaksItsContractKeepsAllOfAnExportOut(t *testing.T) {
	ctx, platform, _ := platformtest.New(t)
	lines := export(t)
	lines[len(lines)-1].Payload = []byte(`{"model": 7}`)
	_, err := history.Import(ctx, platform.Client, lines)
	var violation *contract.Violation
	if !errors.As(err, &violation) {
		t.Error(err)
	}
	info, err := platform.Client.ServerInfo(ctx)
	if err != nil || info.Head != 0 {
		t.Error("there are events", info.Head, err)
	}
}
