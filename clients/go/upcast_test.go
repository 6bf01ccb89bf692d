package quipu

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// mark notes in the data which step an event has taken.
func mark(step string) Upcaster {
	return func(event *RecordedEvent) error {
		event.Data = append(event.Data, step...)
		return nil
	}
}

func TestStepsAreChainedByExactMajorAndDefaultVersion(t *testing.T) {
	upcasters := NewUpcasters()
	for _, step := range [][2]string{{"1", "2"}, {"2", "3"}, {"2.5", "3"}, {"", "3"}} {
		if err := upcasters.Register("T", step[0], step[1], mark("["+step[0]+">"+step[1]+"]")); err != nil {
			t.Fatal(err)
		}
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	for version, expected := range map[string]string{
		"": "[1>2][2>3]", "1": "[1>2][2>3]", "1.9": "[1>2][2>3]", "2": "[2>3]", "2.1": "[2>3]", "2.5": "[2.5>3]",
		"3": "", "9": "[>3]",
	} {
		for range 2 {
			before := &RecordedEvent{Type: "T", SchemaVersion: version, Position: 7, Data: make([]byte, 0, 99)}
			after, err := upcasters.upcast(log, before)
			if err != nil || string(after.Data) != expected || (expected != "" && after.Version() != "3") {
				t.Errorf("from %q: %s %+v %v", version, after.Data, after, err)
			}
			if before.SchemaVersion != version || len(before.Data) != 0 {
				t.Errorf("the event itself was changed: %+v", before)
			}
		}
	}
	if warnings := strings.Count(logged.String(), "level=WARN"); warnings != 1 {
		t.Errorf("%d warnings: %s", warnings, logged.String())
	}
	other := &RecordedEvent{Type: "Other"}
	if same, err := upcasters.Upcast(other); err != nil || same != other {
		t.Error("an event without upcasters is another afterwards")
	}
}

func TestLoopsAreRefusedWhenTheyAreRegistered(t *testing.T) {
	for _, steps := range [][][2]string{
		{{"1", "1"}},
		{{"1", "2"}, {"2", "1"}},
		{{"1", "2"}, {"2", "3"}, {"3", "1"}},
		{{"2", "3"}, {"3", "2.1"}},
		{{"", "2"}, {"2", "5"}},
	} {
		upcasters := NewUpcasters()
		var err error
		for _, step := range steps {
			err = upcasters.Register("T", step[0], step[1], mark(""))
		}
		var loop *UpcastLoopError
		if !errors.As(err, &loop) || loop.Type != "T" {
			t.Errorf("%v: %v", steps, err)
		}
		last := steps[len(steps)-1]
		if found, _ := upcasters.steps.find("T", last[0]); found != nil && found[0].to == last[1] {
			t.Errorf("%v: what was refused is there", steps)
		}
	}
}

func TestLoopOverTypesIsRefusedWhenItIsMet(t *testing.T) {
	upcasters := NewUpcasters()
	rename := func(to string) Upcaster {
		return func(event *RecordedEvent) error { event.Type = to; return nil }
	}
	for _, err := range []error{
		upcasters.Register("A", "1", "2", rename("B")), upcasters.Register("B", "2", "1", rename("A")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := upcasters.Upcast(&RecordedEvent{Type: "A"})
	var loop *UpcastLoopError
	if !errors.As(err, &loop) || fmt.Sprint(loop.Versions) != "[A 1 B 2 A 1]" {
		t.Error(err)
	}
}

func TestFailedStepSaysWhere(t *testing.T) {
	broken := errors.New("no name")
	for name, upcast := range map[string]Upcaster{
		"error": func(*RecordedEvent) error { return broken },
		"panic": func(*RecordedEvent) error { panic(broken) },
	} {
		upcasters := NewUpcasters()
		if err := upcasters.Register("T", "1", "2", upcast); err != nil {
			t.Fatal(err)
		}
		_, err := upcasters.Upcast(&RecordedEvent{Type: "T", Position: 7})
		var failed *UpcastFailedError
		if !errors.As(err, &failed) || failed.Type != "T" || failed.Version != "1" || failed.Position != 7 {
			t.Errorf("%s: %v", name, err)
		}
		var panicked *PanicError
		if name == "panic" && (!errors.As(err, &panicked) || panicked.Value != broken) {
			t.Errorf("the panic is not told: %v", err)
		}
		if name == "error" && !errors.Is(err, broken) {
			t.Errorf("the cause is not told: %v", err)
		}
	}
}

func TestServersFieldsCannotBeUpcasted(t *testing.T) {
	upcasters := NewUpcasters()
	forge := func(event *RecordedEvent) error {
		event.ID, event.Stream, event.Revision, event.Position = "x", "x", 99, 99
		return nil
	}
	if err := upcasters.Register("T", "1", "2", forge); err != nil {
		t.Fatal(err)
	}
	event, err := upcasters.Upcast(&RecordedEvent{ID: "i", Type: "T", Stream: "s", Revision: 1, Position: 2})
	if err != nil || event.ID != "i" || event.Stream != "s" || event.Revision != 1 || event.Position != 2 {
		t.Errorf("%+v %v", event, err)
	}
}

func TestSeveralValuesOfATypeKeepTheirOrder(t *testing.T) {
	var handlers versioned[int]
	log := slog.New(slog.DiscardHandler)
	handlers.add("T", "2", 1)
	handlers.add("T", anyVersion, 2)
	handlers.add("T", "2", 3)
	for version, expected := range map[string]string{"2": "[1 3]", "2.7": "[1 3]", "1": "[2]", "": "[2]"} {
		if found := handlers.lookup(log, "handler", "T", version); fmt.Sprint(found) != expected {
			t.Errorf("%q: %v", version, found)
		}
	}
	if found := handlers.lookup(log, "handler", "U", "1"); found != nil {
		t.Error(found)
	}
}
