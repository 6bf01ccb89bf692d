// Package testserver runs real servers for tests: each with a directory and a port of its own, to be killed and
// started again at will.
package testserver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Server is a server process.
type Server struct {
	binary  string
	home    string
	listen  string
	process *exec.Cmd
	exited  chan struct{}
}

// Binary is the program to run: QUIPU_BINARY, or target/debug/quipu of the checkout.
func Binary() (string, error) {
	if binary := os.Getenv("QUIPU_BINARY"); binary != "" {
		return binary, nil
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(root, "target", "debug", "quipu")
	if _, err := os.Stat(binary); err != nil {
		return "", fmt.Errorf("no server to test against: set QUIPU_BINARY, or build %s", binary)
	}
	return binary, nil
}

// Root is the checkout that the working directory lies in.
func Root() (string, error) {
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "proto", "quipu", "v1")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("the working directory lies in no checkout")
		}
		at = filepath.Dir(at)
	}
}

// Start starts a server with an empty directory on a free port.
func Start() (*Server, error) {
	binary, err := Binary()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "quipu-*")
	if err != nil {
		return nil, err
	}
	server := &Server{binary: binary, home: home, listen: "127.0.0.1:0"}
	if err := server.Restart(); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// Address is where it listens, also after a restart.
func (s *Server) Address() string { return s.listen }

// Restart starts it again after Kill, with the same directory and port.
func (s *Server) Restart() error {
	command := exec.Command(s.binary, "serve", "--log-format", "json",
		"--listen", s.listen, "--data", filepath.Join(s.home, "data"))
	// The server refuses settings that it does not know.
	command.Env = slices.DeleteFunc(os.Environ(), func(it string) bool { return strings.HasPrefix(it, "QUIPU_") })
	output, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.binary, err)
	}
	s.process, s.exited = command, make(chan struct{})
	lines := bufio.NewReader(output)
	said, err := s.awaitListening(lines)
	exited := s.exited
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		_ = command.Wait() // of a killed process: what it says is known
		close(exited)
	}()
	if err != nil {
		s.Kill()
		return fmt.Errorf("the server does not start: %w\n%s", err, said)
	}
	return nil
}

// awaitListening reads the log up to the line that tells the address.
func (s *Server) awaitListening(lines *bufio.Reader) (string, error) {
	var said strings.Builder
	for {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			return said.String(), err
		}
		var entry struct {
			Fields struct{ Message, Address string }
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Fields.Message == "listening" {
			s.listen = entry.Fields.Address
			return said.String(), nil
		}
	}
}

// Kill ends it with SIGKILL.
func (s *Server) Kill() {
	if s.process != nil {
		_ = s.process.Process.Kill() // it may be gone already
		<-s.exited
		s.process = nil
	}
}

// KillAndRestart is Kill and Restart.
func (s *Server) KillAndRestart() error {
	s.Kill()
	return s.Restart()
}

// Close kills it and removes its directory.
func (s *Server) Close() {
	s.Kill()
	_ = os.RemoveAll(s.home) // a directory for temporary files is cleaned by others, too
}
