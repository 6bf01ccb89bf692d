package stage

// The server: it tells its address when it listens, and keeps that over its restarts.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// startTimeout bounds how long the server may take until it listens.
const startTimeout = 30 * time.Second

// Server is a server process.
type Server struct {
	process *process
	data    string
	listen  string
}

// Binary is the server's program: QUIPU_BINARY, or target/debug/quipu of the repository.
func Binary() (string, error) {
	if binary := os.Getenv("QUIPU_BINARY"); binary != "" {
		return filepath.Abs(binary)
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		binary := filepath.Join(at, "target", "debug", "quipu")
		if _, err := os.Stat(binary); err == nil {
			return binary, nil
		}
	}
	return "", errors.New("there is no server to run: set QUIPU_BINARY, or build target/debug/quipu")
}

// StartServer starts a server on a free port, with its data and its log in a directory.
func StartServer(directory string) (*Server, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	server := &Server{
		process: newProcess(directory, "server", binary), data: filepath.Join(directory, "data"),
		listen: "127.0.0.1:0",
	}
	return server, server.Start()
}

// Address is where it listens.
func (s *Server) Address() string { return s.listen }

// Start starts it, again where it was, and waits until it listens.
func (s *Server) Start() error {
	s.process.arguments = []string{"serve", "--log-format", "json", "--listen", s.listen, "--data", s.data}
	watch := &listening{address: make(chan string, 1)}
	if err := s.process.start(watch); err != nil {
		return err
	}
	select {
	case s.listen = <-watch.address:
		return nil
	case <-s.process.exited:
		return s.process.hasDied()
	case <-time.After(startTimeout):
		s.process.kill()
		return fmt.Errorf("the server does not listen after %v: see %s", startTimeout, s.process.log)
	}
}

// Kill ends it with SIGKILL.
func (s *Server) Kill() { s.process.kill() }

// listening looks for the line of the server's log that tells the address.
type listening struct {
	mutex   sync.Mutex
	line    []byte
	found   bool
	address chan string
}

// Write takes a part of the log.
func (l *listening) Write(part []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.found {
		return len(part), nil
	}
	l.line = append(l.line, part...)
	for {
		line, rest, isWhole := bytes.Cut(l.line, []byte("\n"))
		if !isWhole {
			return len(part), nil
		}
		l.line = rest
		var entry struct {
			Fields struct{ Message, Address string }
		}
		if json.Unmarshal(line, &entry) == nil && entry.Fields.Message == "listening" {
			l.found, l.line = true, nil
			l.address <- entry.Fields.Address
			return len(part), nil
		}
	}
}
