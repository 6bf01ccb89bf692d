package quipu

import (
	"fmt"
	"slices"
	"testing"
)

func TestTxSeesItsOwnChanges(t *testing.T) {
	tx := &Tx{now: map[DocumentKey]*txDocument{}}
	var held map[string]int
	get := func() bool {
		t.Helper()
		held = nil
		found, err := tx.Get(t.Context(), "customer", "ada", &held)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	upsert := func(orders int) {
		t.Helper()
		if err := tx.Upsert("customer", "ada", map[string]int{"orders": orders}); err != nil {
			t.Fatal(err)
		}
	}
	if get() {
		t.Error("a document out of nothing")
	}
	upsert(1)
	upsert(22)
	if !get() || held["orders"] != 22 {
		t.Error(held)
	}
	var raw []byte
	found, err := tx.Get(t.Context(), "customer", "ada", &raw)
	if err != nil || !found || string(raw) != `{"orders":22}` {
		t.Error(string(raw), err)
	}
	if tx.bytes != len(raw) {
		t.Errorf("%d bytes", tx.bytes)
	}
	tx.Delete("customer", "ada")
	if get() || tx.bytes != 0 {
		t.Errorf("a deleted document is there, %d bytes", tx.bytes)
	}
	tx.Delete("customer", "ben")
	if !slices.Equal(tx.order, []DocumentKey{{"customer", "ada"}, {"customer", "ben"}}) {
		t.Error(tx.order)
	}
	if tx.Upsert("customer", "ada", func() {}) == nil {
		t.Error("a function has no JSON form")
	}
}

func TestReactorRemembersNoMoreThanItMay(t *testing.T) {
	work := newReactorWork(nil, nil)
	for position := range uint64(rememberedEvents + 10) {
		work.tasks[position] = &reactorTask{}
		work.remember(position)
	}
	if len(work.tasks) != rememberedEvents || work.tasks[9] != nil || work.tasks[10] == nil {
		t.Errorf("%d remembered", len(work.tasks))
	}
}

func TestNackSaysWhatIsToBeDone(t *testing.T) {
	for _, each := range []struct {
		err    error
		action NackAction
		reason string
	}{
		{fmt.Errorf("no: %w", Park("poison")), NackPark, "poison"},
		{Skip("boring"), NackSkip, "boring"},
		{&PanicError{Value: "broke"}, NackRetry, "*quipu.PanicError: panic: broke"},
	} {
		if nack := nackOf(3, each.err); nack.Position != 3 || nack.Action != each.action || nack.Reason != each.reason {
			t.Errorf("%v: %+v", each.err, nack)
		}
	}
}
