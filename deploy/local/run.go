package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// run is the command `run`: it gives any program the two manners of the control plane's own
// children. The program gets a SIGTERM when standard input ends or this process is asked to end, and
// a SIGKILL when this process dies. Tests use it, because neither is to be had in Rust without
// unsafe code: closing a pipe then stops an operator, killing this process crashes it, and nothing
// is left behind by a test run that is interrupted.
func run(args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	patience := flags.Duration("patience", 30*time.Second, "how long the program may take to end after SIGTERM")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("run needs a program: run [FLAGS] -- PROGRAM ARGUMENTS")
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	go cancelAtEndOf(os.Stdin, cancel)

	command := exec.CommandContext(ctx, flags.Arg(0), flags.Args()[1:]...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = *patience
	err := command.Run()
	if command.ProcessState == nil {
		return fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	if code := command.ProcessState.ExitCode(); code >= 0 {
		os.Exit(code)
	}
	return fmt.Errorf("%s: %s", flags.Arg(0), command.ProcessState)
}

// cancelAtEndOf reads the input to its end. What is written there is of no interest.
func cancelAtEndOf(input io.Reader, cancel context.CancelFunc) {
	_, _ = io.Copy(io.Discard, input)
	cancel()
}
