// Package leakcheck finds goroutines of the client that outlive what they were for.
package leakcheck

import (
	"runtime"
	"strings"
	"time"
)

const patience = 5 * time.Second

// Leaked gives the stacks of goroutines that run code of the package quipu, once those that are about to end have
// had time to. Empty: there are none.
func Leaked() []string {
	for begun := time.Now(); ; runtime.Gosched() {
		leaked := running()
		if len(leaked) == 0 || time.Since(begun) > patience {
			return leaked
		}
	}
}

func running() []string {
	buffer := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buffer, true)
		if n < len(buffer) {
			buffer = buffer[:n]
			break
		}
		buffer = make([]byte, 2*len(buffer))
	}
	var found []string
	for i, stack := range strings.Split(string(buffer), "\n\n") {
		// The first stack is that of the caller.
		if i > 0 && strings.Contains(stack, "quipu/client.") {
			found = append(found, stack)
		}
	}
	return found
}
