package contract_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"quipu/examples/ml-platform/internal/contract"
	"quipu/examples/ml-platform/internal/event"
)

func TestEachOfTheSeventeenTypesHasAContract(t *testing.T) {
	contracts, err := contract.Platform()
	if err != nil {
		t.Fatal(err)
	}
	types := slices.Sorted(slices.Values(event.Types()))
	if len(types) != 17 || !slices.Equal(contracts.Types(), types) {
		t.Errorf("%d types: %v, contracts for %v", len(types), types, contracts.Types())
	}
}

func TestAPayloadThatBreaksItsContractIsNamed(t *testing.T) {
	for payload, complaint := range map[string]string{
		`{"step": 1}`:                           "missing property 'loss'",
		`{"step": 0, "loss": 1}`:                "minimum",
		`{"step": 1, "loss": "low"}`:            "want number",
		`{"step": 1, "loss": 1, "colour": "x"}`: "additional properties",
		`no JSON`:                               "invalid character",
	} {
		err := contract.Check(event.TypeTrainingProgressed, "1", []byte(payload))
		var violation *contract.Violation
		if !errors.As(err, &violation) || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	if contract.Check("SomethingElse", "1", []byte(`{}`)) == nil {
		t.Error("a type without a contract was taken")
	}
}

func TestAContractIsFoundExactlyThenByMajorVersionThenAsTheWarnedDefault(t *testing.T) {
	schema := func(field string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"required": ["` + field + `"]}`)}
	}
	var log strings.Builder
	contracts, err := contract.Load(fs.FS(fstest.MapFS{
		"schemas/Made-2.json": schema("major"), "schemas/Made-2.1.json": schema("exact"),
		"schemas/Made-default.json": schema("default"),
	}), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for version, field := range map[string]string{"2.1": "exact", "2": "major", "2.7": "major", "3": "default"} {
		for range 2 {
			if err := contracts.Check("Made", version, []byte(`{"`+field+`": 1}`)); err != nil {
				t.Error(version, err)
			}
		}
	}
	if warnings := strings.Count(log.String(), "WARN"); warnings != 1 || !strings.Contains(log.String(), "version=3") {
		t.Errorf("%d warnings: %s", warnings, log.String())
	}
}
