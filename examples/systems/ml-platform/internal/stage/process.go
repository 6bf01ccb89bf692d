// Package stage runs the platform as it runs in earnest: a server, and every driver, projector and reactor as a
// process of its own. Any of them can be killed and started again.
package stage

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// process is a program that can be killed and started again. What it says goes to a file.
type process struct {
	name      string
	program   string
	arguments []string
	log       string

	mutex   sync.Mutex
	command *exec.Cmd
	exited  chan struct{}
	ended   error // of the last start, once exited is closed
	killed  bool
}

func newProcess(directory, name, program string, arguments ...string) *process {
	return &process{
		name: name, program: program, arguments: arguments, log: filepath.Join(directory, name+".log"),
	}
}

// start starts it. Its output goes to the file, and to watch where there is one.
func (p *process) start(watch io.Writer) error {
	file, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	command := exec.Command(p.program, p.arguments...)
	// The server refuses settings that it does not know, and nobody else needs any.
	command.Env = slices.DeleteFunc(os.Environ(), func(it string) bool { return strings.HasPrefix(it, "QUIPU_") })
	command.Stderr, command.Stdout = file, file
	if watch != nil {
		command.Stderr = io.MultiWriter(file, watch)
	}
	if err := command.Start(); err != nil {
		_ = file.Close() // nothing was written
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.mutex.Lock()
	p.command, p.exited, p.killed = command, exited, false
	p.mutex.Unlock()
	go func() {
		err := command.Wait()
		_ = file.Close() // a log
		p.mutex.Lock()
		p.ended = err
		p.mutex.Unlock()
		close(exited)
	}()
	return nil
}

// kill ends it with SIGKILL and waits until it is gone.
func (p *process) kill() {
	p.mutex.Lock()
	command, exited := p.command, p.exited
	p.killed = true
	p.mutex.Unlock()
	if command != nil {
		_ = command.Process.Kill() // it may be gone already
		<-exited
	}
}

// hasDied tells whether it has ended though nobody has killed it, and how.
func (p *process) hasDied() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.command == nil || p.killed {
		return nil
	}
	select {
	case <-p.exited:
		return fmt.Errorf("%s has ended by itself (%v): see %s", p.name, p.ended, p.log)
	default:
		return nil
	}
}
