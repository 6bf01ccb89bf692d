package stage

// All processes of a platform, by name.

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"quipu/examples/ml-platform/internal/projection"
	"quipu/examples/ml-platform/internal/reactor"
)

// ServerName is what the server is called among the processes.
const ServerName = "server"

// Stage is a platform: its directory and its processes.
type Stage struct {
	server    *Server
	directory string
	programs  string
	workers   map[string]*process
}

// Open starts a server with its data in a directory. The programs of the others are in the directory programs.
func Open(directory, programs string) (*Stage, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	server, err := StartServer(directory)
	if err != nil {
		return nil, err
	}
	stage := &Stage{server: server, directory: directory, programs: programs, workers: map[string]*process{}}
	for _, name := range projection.Names() {
		stage.workers[name] = stage.worker(name, "projector", name)
	}
	for _, name := range reactor.Names() {
		stage.workers[name] = stage.worker(name, "reactor", "-pages", stage.Pages(), "-lose", "5", name)
	}
	return stage, nil
}

func (s *Stage) worker(name, program string, arguments ...string) *process {
	arguments = append([]string{"-address", s.Address()}, arguments...)
	return newProcess(s.directory, name, filepath.Join(s.programs, program), arguments...)
}

// Address is where the server listens.
func (s *Stage) Address() string { return s.server.Address() }

// Pages is the directory of the pages that have gone out.
func (s *Stage) Pages() string { return filepath.Join(s.directory, "pages") }

// Workers are the names of the projectors and reactors, sorted.
func (s *Stage) Workers() []string { return slices.Sorted(maps.Keys(s.workers)) }

// StartWorkers starts all projectors and reactors.
func (s *Stage) StartWorkers() error {
	for _, name := range s.Workers() {
		if err := s.workers[name].start(nil); err != nil {
			return err
		}
	}
	return nil
}

// KillAndRestart kills a process by its name and starts it again.
func (s *Stage) KillAndRestart(name string) error {
	if name == ServerName {
		s.server.Kill()
		return s.server.Start()
	}
	s.Kill(name)
	return s.workers[name].start(nil)
}

// Kill kills a worker.
func (s *Stage) Kill(name string) { s.workers[name].kill() }

// Restart starts a worker again with further arguments before its own.
func (s *Stage) Restart(name string, further ...string) error {
	s.Kill(name)
	worker := s.workers[name]
	worker.arguments = append(further, worker.arguments...)
	return worker.start(nil)
}

// Job is a program that ends by itself.
type Job struct{ process *process }

// StartJob starts a program under a name.
func (s *Stage) StartJob(name, program string, arguments ...string) (Job, error) {
	job := Job{s.worker(name, program, arguments...)}
	return job, job.process.start(nil)
}

// Kill kills it.
func (j Job) Kill() { j.process.kill() }

// Done is closed once it has ended.
func (j Job) Done() <-chan struct{} { return j.process.exited }

// Wait waits for its end. It fails unless that was a good one.
func (j Job) Wait() error {
	<-j.process.exited
	if j.process.ended != nil {
		return fmt.Errorf("%s: %w: see %s", j.process.name, j.process.ended, j.process.log)
	}
	return nil
}

// Health fails when a process has ended that nobody has killed.
func (s *Stage) Health() error {
	all := []error{s.server.process.hasDied()}
	for _, worker := range s.workers {
		all = append(all, worker.hasDied())
	}
	return errors.Join(all...)
}

// Close kills everything.
func (s *Stage) Close() {
	for _, worker := range s.workers {
		worker.kill()
	}
	s.server.Kill()
}
