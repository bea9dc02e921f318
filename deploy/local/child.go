package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// child is one process of the control plane.
type child struct {
	name    string
	log     string
	process *os.Process
	ended   chan struct{}
	state   *os.ProcessState
}

// start runs a component with its output in <logs>/<name>.log. It must be called from the main
// goroutine (see init in main.go).
func start(name, path, logs string, args []string) (*child, error) {
	log := filepath.Join(logs, name+".log")
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	command := &exec.Cmd{
		Path:   path,
		Args:   append([]string{name}, args...),
		Stdout: file,
		Stderr: file,
		SysProcAttr: &syscall.SysProcAttr{
			// However this process ends, the child does too.
			Pdeathsig: syscall.SIGKILL,
			// Ctrl-C in a terminal reaches the supervisor alone, which ends the children in order.
			Setpgid: true,
		},
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &child{name: name, log: log, process: command.Process, ended: make(chan struct{})}
	go func() {
		// The error repeats what the state says.
		_ = command.Wait()
		c.state = command.ProcessState
		close(c.ended)
	}()
	return c, nil
}

// stop asks the child to end, and makes it end when the patience is over.
func (c *child) stop(patience time.Duration) {
	if patience > 0 {
		_ = c.process.Signal(syscall.SIGTERM)
		select {
		case <-c.ended:
			return
		case <-time.After(patience):
		}
	}
	_ = c.process.Kill()
	<-c.ended
}

// failure describes a child that ended by itself, with the end of its log.
func (c *child) failure() error {
	return fmt.Errorf("%s ended: %s; the end of %s:\n%s", c.name, c.state, c.log, tail(c.log, 25))
}

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	const enough = 64 << 10
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	offset := max(info.Size()-enough, 0)
	data := make([]byte, info.Size()-offset)
	n, err := file.ReadAt(data, offset)
	if err != nil && n == 0 {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data[:n]), "\n"), "\n")
	return strings.Join(all[max(len(all)-lines, 0):], "\n")
}
