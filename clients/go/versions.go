package quipu

// What is registered by event type and schema version, and how it is looked up.

import (
	"log/slog"
	"strings"
	"sync"
)

// anyVersion is the version of what is registered as a type's default.
const anyVersion = ""

// versioned holds values by event type and schema version. A version is looked up exactly, then by its major
// part (`2` for `2.1`), then as the default, which is warned of once per type and version where the type has
// values for other versions.
type versioned[Value any] struct {
	mutex  sync.RWMutex
	byType map[string]map[string][]Value
	warned map[[2]string]bool
}

func (v *versioned[Value]) add(eventType, version string, value Value) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.byType == nil {
		v.byType = map[string]map[string][]Value{}
	}
	if v.byType[eventType] == nil {
		v.byType[eventType] = map[string][]Value{}
	}
	v.byType[eventType][version] = append(v.byType[eventType][version], value)
}

// find looks up without a warning; isDefault tells of one that would be due.
func (v *versioned[Value]) find(eventType, version string) (found []Value, isDefault bool) {
	v.mutex.RLock()
	defer v.mutex.RUnlock()
	versions := v.byType[eventType]
	if found := versions[version]; found != nil {
		return found, false
	}
	major, _, _ := strings.Cut(version, ".")
	if found := versions[major]; found != nil {
		return found, false
	}
	return versions[anyVersion], len(versions) > 1
}

// lookup finds what is registered for an event, in the order of registering.
func (v *versioned[Value]) lookup(log *slog.Logger, what, eventType, version string) []Value {
	v.warn(log, what, eventType, version)
	found, _ := v.find(eventType, version)
	return found
}

// warn logs, once, that the default has to do for this version.
func (v *versioned[Value]) warn(log *slog.Logger, what, eventType, version string) {
	if found, isDefault := v.find(eventType, version); found != nil && isDefault && v.isFirst(eventType, version) {
		log.Warn("no "+what+" for this version, using the default", "type", eventType, "version", version)
	}
}

func (v *versioned[Value]) isFirst(eventType, version string) bool {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	key := [2]string{eventType, version}
	if v.warned[key] {
		return false
	}
	if v.warned == nil {
		v.warned = map[[2]string]bool{}
	}
	v.warned[key] = true
	return true
}
