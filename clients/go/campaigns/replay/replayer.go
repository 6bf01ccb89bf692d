package main

// The replayer's process: it journals every event that it is handed, batch by batch.

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	quipu "quipu/client"
	"quipu/client/campaigns/internal/campaign"
)

// positionBytes is how long an entry of the journal is.
const positionBytes = 8

// selection says which events are replayed.
type selection struct {
	types []string
	from  time.Time // zero: from the start
}

// task is what a replayer is to do.
type task struct {
	address, name string
	selection
	batch   int
	journal string // a file of positions
}

// arguments are how a process is told its task; newTask understands them.
func (t task) arguments() []string {
	from := ""
	if !t.from.IsZero() {
		from = t.from.Format(time.RFC3339Nano)
	}
	return []string{t.address, t.name, strings.Join(t.types, ","), from, strconv.Itoa(t.batch), t.journal}
}

func newTask(arguments []string) (task, error) {
	if len(arguments) != len(task{}.arguments()) {
		return task{}, errors.New("a replayer takes address, name, types, time, batch size and journal")
	}
	batch, err := strconv.Atoi(arguments[4])
	if err != nil {
		return task{}, err
	}
	made := task{address: arguments[0], name: arguments[1], batch: batch, journal: arguments[5]}
	made.types = strings.Split(arguments[2], ",")
	if arguments[3] != "" {
		made.from, err = time.Parse(time.RFC3339Nano, arguments[3])
	}
	return made, err
}

// replayer does a task.
func replayer(ctx context.Context, arguments []string) error {
	task, err := newTask(arguments)
	if err != nil {
		return err
	}
	client, err := campaign.Connect(ctx, task.address)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // nothing is under way any more
	journal, err := os.OpenFile(task.journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	options := quipu.ReplayOptions{Query: quipu.OfTypes(task.types...), BatchSize: task.batch}
	if !task.from.IsZero() {
		options.From = quipu.FromTime(task.from)
	}
	var entries bytes.Buffer
	_, err = client.Replay(ctx, task.name, options, func(_ context.Context, batch []*quipu.RecordedEvent) error {
		entries.Reset()
		for _, event := range batch {
			entries.Write(binary.LittleEndian.AppendUint64(nil, event.Position))
		}
		_, err := journal.Write(entries.Bytes())
		return err
	})
	return errors.Join(err, journal.Close())
}

// journalled is how many events have been handed on so far.
func (t task) journalled() (int, error) {
	info, err := os.Stat(t.journal)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return int(info.Size()) / positionBytes, nil
}

// mendJournal cuts an entry off that a kill has left half written.
func (t task) mendJournal() error {
	whole, err := t.journalled()
	if err != nil || whole == 0 {
		return err
	}
	return os.Truncate(t.journal, int64(whole)*positionBytes)
}

// comparison is what a journal has that it should not, and the other way round.
type comparison struct {
	again, differences int
}

// compare reads the journal. An event may come again only after a kill, and then as one of the batch that was in
// hand: the journal goes back by no more than a batch, no more often than there were kills, and goes on from there
// without a gap.
func (t task) compare(expected []uint64, kills int) (comparison, error) {
	text, err := os.ReadFile(t.journal)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return comparison{}, err
	}
	index := map[uint64]int{}
	for i, position := range expected {
		index[position] = i
	}
	var found comparison
	next, returns := 0, 0
	for ; len(text) >= positionBytes; text = text[positionBytes:] {
		at, isExpected := index[binary.LittleEndian.Uint64(text)]
		switch {
		case !isExpected:
			found.differences++
			continue
		case at > next:
			found.differences += at - next // left out
		case at < next:
			returns++
			if next-at > t.batch || returns > kills {
				found.differences++
			}
			found.again += next - at
		}
		next = at + 1
	}
	found.differences += len(expected) - next // missing at the end
	return found, nil
}
