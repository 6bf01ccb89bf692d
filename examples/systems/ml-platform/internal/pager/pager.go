// Package pager pages whoever is on call. A page has a key, and the same key pages once, however often it is sent.
//
// It stands for a service somewhere else: a page is a file in a directory. As such services do, it can be told to
// lose answers: the page has gone out, and the sender is told that it has not.
package pager

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const suffix = ".json"

// Page is what whoever is on call reads.
type Page struct {
	// Subject says what happened.
	Subject string `json:"subject"`
	// About is what it happened to.
	About string `json:"about"`
	// Correlation is where to look further.
	Correlation string `json:"correlation"`
}

// Pager sends pages.
type Pager struct {
	directory string
	loseEvery uint32
	mutex     sync.Mutex
	lost      map[string]bool
}

// ErrNoAnswer is what a sender is told whose page may or may not have gone out.
var ErrNoAnswer = errors.New("the pager did not answer")

// Open makes a pager on a directory. It loses the first answer to about one of every loseEvery keys; 0: none.
func Open(directory string, loseEvery uint32) (*Pager, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, fmt.Errorf("opening the pager: %w", err)
	}
	return &Pager{directory: directory, loseEvery: loseEvery, lost: map[string]bool{}}, nil
}

// Send pages, unless there has been a page with this key.
func (p *Pager) Send(key string, page Page) error {
	text, err := json.Marshal(page)
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(p.directory, "draft-*")
	if err != nil {
		return fmt.Errorf("paging: %w", err)
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Close()); err != nil {
		return fmt.Errorf("paging: %w", err)
	}
	err = os.Link(draft.Name(), filepath.Join(p.directory, key+suffix))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("paging: %w", err)
	}
	if p.losesAnswerTo(key) {
		return ErrNoAnswer
	}
	return nil
}

func (p *Pager) losesAnswerTo(key string) bool {
	if p.loseEvery == 0 {
		return false
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key)) // never fails
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.lost[key] || sum.Sum32()%p.loseEvery != 0 {
		return false
	}
	p.lost[key] = true
	return true
}

// Sent gives the keys of all pages that have gone out, sorted.
func Sent(directory string) ([]string, error) {
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, entry := range entries {
		if key, isPage := strings.CutSuffix(entry.Name(), suffix); isPage {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
