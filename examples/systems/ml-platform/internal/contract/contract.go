// Package contract holds what every event of the platform must look like: a JSON Schema for each type and version,
// checked before an event is appended and again when it is read.
//
// Schemas are files called `<type>-<version>.json`. A version is looked up exactly, then by its major part, then as
// `default`, with one warning: the same way in which handlers are found.
package contract

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Default is the version of the schema for versions that have none of their own.
const Default = "default"

//go:embed schemas/*.json
var files embed.FS

// Violation is a payload that is not what its contract says.
type Violation struct {
	// Type and Version are those of the event.
	Type, Version string
	// Cause tells what is wrong with it.
	Cause error
}

// Error names the contract and what is wrong.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s version %s breaks its contract: %v", v.Type, v.Version, v.Cause)
}

// Unwrap gives the cause.
func (v *Violation) Unwrap() error { return v.Cause }

// Contracts are schemas by event type and version.
type Contracts struct {
	schemas map[string]map[string]*jsonschema.Schema
	log     *slog.Logger
	warned  sync.Map
}

var platform = sync.OnceValues(func() (*Contracts, error) { return Load(files, slog.Default()) })

// Check tells whether a payload is what the platform's contract for its type and version says. It fails with a
// [*Violation].
func Check(eventType, version string, payload []byte) error {
	contracts, err := platform()
	if err != nil {
		return err
	}
	return contracts.Check(eventType, version, payload)
}

// Platform gives the contracts of the platform.
func Platform() (*Contracts, error) { return platform() }

// Load compiles the schemas of a file system's folder `schemas`. A file whose name has no version is only there to
// be referred to.
func Load(from fs.FS, log *slog.Logger) (*Contracts, error) {
	names, err := fs.Glob(from, "schemas/*.json")
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := compiler.AddResource(address(name), document); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	contracts := &Contracts{schemas: map[string]map[string]*jsonschema.Schema{}, log: log}
	for _, name := range names {
		schema, err := compiler.Compile(address(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		eventType, version, isContract := strings.Cut(strings.TrimSuffix(path.Base(name), ".json"), "-")
		if !isContract {
			continue
		}
		if contracts.schemas[eventType] == nil {
			contracts.schemas[eventType] = map[string]*jsonschema.Schema{}
		}
		contracts.schemas[eventType][version] = schema
	}
	return contracts, nil
}

// address keeps the compiler from taking a name for a file of its own.
func address(name string) string { return "contract:///" + name }

// Types are the event types that there are contracts for.
func (c *Contracts) Types() []string { return slices.Sorted(maps.Keys(c.schemas)) }

// Check tells whether a payload is what its contract says. It fails with a [*Violation].
func (c *Contracts) Check(eventType, version string, payload []byte) error {
	schema := c.find(eventType, version)
	if schema == nil {
		return &Violation{eventType, version, fmt.Errorf("there is no contract for it")}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return &Violation{eventType, version, err}
	}
	return nil
}

func (c *Contracts) find(eventType, version string) *jsonschema.Schema {
	versions := c.schemas[eventType]
	if schema := versions[version]; schema != nil {
		return schema
	}
	major, _, _ := strings.Cut(version, ".")
	if schema := versions[major]; schema != nil {
		return schema
	}
	schema := versions[Default]
	if _, known := c.warned.LoadOrStore(eventType+" "+version, true); schema != nil && !known {
		c.log.Warn("no contract for this version, using the default", "type", eventType, "version", version)
	}
	return schema
}
