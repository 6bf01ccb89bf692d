package pager

import (
	"errors"
	"testing"
)

func TestAKeyPagesOnceHoweverOftenItIsSentAndEvenIfTheAnswerIsLost(t *testing.T) {
	directory := t.TempDir()
	pager, err := Open(directory, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := pager.Send("a", Page{Subject: "first"}); !errors.Is(err, ErrNoAnswer) {
		t.Error("the answer was not lost", err)
	}
	for range 2 {
		if err := pager.Send("a", Page{Subject: "again"}); err != nil {
			t.Error(err)
		}
	}
	if sent, err := Sent(directory); len(sent) != 1 || sent[0] != "a" || err != nil {
		t.Error(sent, err)
	}
}
