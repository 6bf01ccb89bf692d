package workload

import (
	"reflect"
	"testing"
)

func TestAPlanIsMadeOfItsSeedAlone(t *testing.T) {
	if !reflect.DeepEqual(NewPlan(7, 1000), NewPlan(7, 1000)) {
		t.Error("the same seed gave two plans")
	}
	if reflect.DeepEqual(NewPlan(7, 1000), NewPlan(8, 1000)) {
		t.Error("two seeds gave the same plan")
	}
	if events := NewPlan(7, 1000).Events(); events < 1000 {
		t.Error("a plan of 1000 events has", events)
	}
}

func TestTheFirstRunHasThousandsOfStepsWhereThereAreThousandsOfEvents(t *testing.T) {
	if steps := len(NewPlan(1, 10_000).Lines[0][0].Steps); steps < 3000 {
		t.Error("it has", steps)
	}
}
