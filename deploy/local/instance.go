package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Names inside a data directory.
const (
	adminKubeconfig  = "admin.kubeconfig"
	auditLog         = "audit.log"
	lockFile         = "lock"
	instanceFile     = "up.json"
	portsFile        = "ports.json"
	etcdDir          = "etcd"
	certificatesDir  = "pki"
	logsDir          = "logs"
	controllerConfig = "kube-controller-manager.kubeconfig"
)

// instance is what `up` prints when it is ready, and what `status` prints again.
type instance struct {
	Server     string `json:"server"`
	Kubeconfig string `json:"kubeconfig"`
	AuditLog   string `json:"auditLog"`
	Logs       string `json:"logs"`
	PID        int    `json:"pid"`
}

// errTaken says that a supervisor holds the data directory.
var errTaken = errors.New("a control plane runs there already")

// lock takes the data directory for as long as this process lives. The kernel gives it back however
// the process ends, so a lock is the proof that a supervisor runs; a process id in a file is not.
func lock(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errTaken
		}
		return nil, err
	}
	return file, nil
}

// lockPatiently is lock, but lets a supervisor that is just ending finish.
func lockPatiently(dir string, patience time.Duration) (*os.File, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		file, err := lock(dir)
		if !errors.Is(err, errTaken) || time.Now().After(deadline) {
			return file, err
		}
	}
}

// running tells whether a supervisor holds the data directory.
func running(dir string) (bool, error) {
	if _, err := os.Stat(filepath.Join(dir, lockFile)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	file, err := lock(dir)
	if errors.Is(err, errTaken) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, file.Close()
}

// announce writes the line that says what is ready where, and returns it.
func announce(dir string, it instance) ([]byte, error) {
	line, err := json.Marshal(it)
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	return line, os.WriteFile(filepath.Join(dir, instanceFile), line, 0o600)
}

// status is the command `status`.
func status(args []string) error {
	flags := flag.NewFlagSet("status", flag.ExitOnError)
	data := dataFlag(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	up, err := running(*data)
	if err != nil {
		return err
	}
	if !up {
		return fmt.Errorf("no control plane runs in %s", *data)
	}
	line, err := os.ReadFile(filepath.Join(*data, instanceFile))
	if err != nil {
		return fmt.Errorf("the control plane in %s is not ready yet", *data)
	}
	_, err = os.Stdout.Write(line)
	return err
}

// down is the command `down`. It is content when nothing runs.
func down(args []string) error {
	flags := flag.NewFlagSet("down", flag.ExitOnError)
	data := dataFlag(flags)
	patience := flags.Duration("timeout", 30*time.Second, "how long to wait for its end")
	if err := parse(flags, args); err != nil {
		return err
	}
	deadline := time.Now().Add(*patience)
	for {
		up, err := running(*data)
		if err != nil || !up {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the control plane in %s did not end within %s", *data, *patience)
		}
		// Read in every round: it may be starting just now.
		if line, err := os.ReadFile(filepath.Join(*data, instanceFile)); err == nil {
			var it instance
			if err := json.Unmarshal(line, &it); err != nil {
				return err
			}
			if err := syscall.Kill(it.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func dataFlag(flags *flag.FlagSet) *string {
	return flags.String("data", "", "data directory (required)")
}

// parse reads the flags, refuses anything else, and makes the data directory absolute.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", flags.Name(), flags.Arg(0))
	}
	data := flags.Lookup("data")
	if data.Value.String() == "" {
		return fmt.Errorf("%s needs --data DIR", flags.Name())
	}
	path, err := filepath.Abs(data.Value.String())
	if err != nil {
		return err
	}
	return data.Value.Set(path)
}
