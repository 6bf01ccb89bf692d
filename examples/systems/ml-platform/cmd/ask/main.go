// Ask answers questions about the past. Flags come before the question.
//
//	ask provenance MODEL        where a model comes from
//	ask replay RUN              every step of a run, and whether the replay is exact
//	ask production [TIME]       which models were in production; with -known TIME, by what was known then
//	ask events                  which events there are: -stream -types -correlation -recorded-from -recorded-to
//	                            -happened-from -happened-to
//	ask parked REACTOR          which events a reactor could not deal with, and why
//	ask replay-parked REACTOR   has them dealt with again, after a fix
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	quipu "quipu/client"
	"quipu/examples/ml-platform/internal/inquiry"
	"quipu/examples/ml-platform/internal/platform"
	"quipu/examples/ml-platform/internal/program"
)

// question is what is asked, with its flags.
type question struct {
	address string
	search  inquiry.Search
	types   string
	known   time.Time
}

func main() {
	var asked question
	flag.StringVar(&asked.address, "address", program.DefaultAddress, "where the server listens")
	flag.StringVar(&asked.search.Stream, "stream", "", "events of this stream")
	flag.StringVar(&asked.types, "types", "", "events of these types, with commas between them")
	flag.StringVar(&asked.search.Correlation, "correlation", "", "events with this correlation id")
	for name, at := range map[string]*time.Time{
		"recorded-from": &asked.search.RecordedFrom, "recorded-to": &asked.search.RecordedTo,
		"happened-from": &asked.search.HappenedFrom, "happened-to": &asked.search.HappenedTo,
		"known": &asked.known,
	} {
		flag.TextVar(at, name, time.Time{}, "a time, such as 2026-01-31T12:00:00Z")
	}
	flag.Parse()
	if asked.types != "" {
		asked.search.Types = strings.Split(asked.types, ",")
	}
	program.Main(func(ctx context.Context) error {
		return program.With(ctx, asked.address, func(platform *platform.Platform) error {
			return asked.answer(ctx, platform.Client, flag.Arg(0), flag.Arg(1))
		})
	})
}

func (q question) answer(ctx context.Context, client *quipu.Client, what, about string) error {
	out := json.NewEncoder(os.Stdout)
	switch what {
	case "provenance":
		found, err := inquiry.ProvenanceOf(ctx, client, about)
		if err != nil {
			return err
		}
		return out.Encode(found)
	case "replay":
		replayed, err := inquiry.ReplayRun(ctx, client, about, func(step inquiry.Step) error { return out.Encode(step) })
		if err != nil {
			return err
		}
		fmt.Printf("%s after %d steps; exact: %v\n", replayed.Status, replayed.Steps, replayed.IsExact())
		return nil
	case "production":
		return q.production(ctx, client, about)
	case "events":
		for recorded, err := range inquiry.Find(ctx, client, q.search) {
			if err != nil {
				return err
			}
			fmt.Println(recorded.Position, recorded.Stream, recorded.Revision, recorded.Type, recorded.CorrelationID)
		}
		return nil
	case "parked":
		for letter, err := range client.Consumers.ListParked(ctx, about) {
			if err != nil {
				return err
			}
			fmt.Println(letter.Event.Position, letter.Event.Stream, letter.Event.Type, letter.Reason)
		}
		return nil
	case "replay-parked":
		replayed, err := client.Consumers.ReplayParked(ctx, about)
		fmt.Println(replayed, "events will be dealt with again")
		return err
	}
	return fmt.Errorf("%q is no question: see the head of cmd/ask/main.go", what)
}

func (q question) production(ctx context.Context, client *quipu.Client, at string) error {
	moment := inquiry.Moment{Known: q.known}
	if at != "" {
		if err := moment.World.UnmarshalText([]byte(at)); err != nil {
			return err
		}
	}
	models, err := inquiry.InProduction(ctx, client, moment)
	for _, model := range models {
		fmt.Println(model)
	}
	return err
}
