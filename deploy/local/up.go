package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// options are the flags of `up`.
type options struct {
	data                 string
	fresh                bool
	withParent           bool
	fsync                bool
	controllerQPS        float64
	controllerBurst      int
	authenticationConfig string
	assets               string
	timeout              time.Duration
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	data := dataFlag(flags)
	flags.BoolVar(&o.fresh, "fresh", false, "begin with an empty data directory")
	flags.BoolVar(&o.withParent, "with-parent", false, "end when standard input ends, as it does when whoever started this is gone")
	flags.BoolVar(&o.fsync, "fsync", true, "false: etcd does not wait for the disk (faster; a crash of the machine loses data)")
	flags.Float64Var(&o.controllerQPS, "kcm-qps", 0, "requests per second of each controller in kube-controller-manager (0: its default, 20)")
	flags.IntVar(&o.controllerBurst, "kcm-burst", 0, "their burst (0: its default, 30)")
	flags.StringVar(&o.authenticationConfig, "authentication-config", "", "file for the API server's flag of that name")
	flags.StringVar(&o.assets, "assets", os.Getenv(assetsVariable), "directory of ready-made binaries (default: "+assetsVariable+")")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long it may take to get ready")
	if err := parse(flags, args); err != nil {
		return o, err
	}
	o.data = *data
	if o.authenticationConfig != "" {
		path, err := filepath.Abs(o.authenticationConfig)
		if err != nil {
			return o, err
		}
		o.authenticationConfig = path
	}
	return o, nil
}

// up is the command `up`: it runs the control plane until it is told to end, or a part of it ends.
func up(args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer cancel()
	if o.withParent {
		go cancelAtEndOf(os.Stdin, cancel)
	}
	it, err := claim(o)
	if err != nil {
		return err
	}
	defer it.release()
	if err := it.launch(ctx); err != nil {
		it.stop()
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	line, err := announce(o.data, it.describe())
	if err == nil {
		_, err = os.Stdout.Write(line)
	}
	if err == nil {
		err = it.watch(ctx)
	}
	it.stop()
	return err
}

// supervisor is one control plane while it runs.
type supervisor struct {
	options  options
	layout   layout
	children []*child
	lock     *os.File
	began    time.Time
}

// claim takes the data directory and prepares it.
func claim(o options) (*supervisor, error) {
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return nil, err
	}
	held, err := lockPatiently(o.data, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.data, err)
	}
	it := &supervisor{options: o, layout: layout{dir: o.data}, lock: held, began: time.Now()}
	if err := it.prepare(); err != nil {
		it.release()
		return nil, err
	}
	return it, nil
}

func (s *supervisor) prepare() error {
	// The log of an earlier run would answer questions about this one.
	stale := []string{instanceFile, auditLog, logsDir}
	if s.options.fresh {
		stale = append(stale, etcdDir, certificatesDir, portsFile, adminKubeconfig, controllerConfig)
	}
	for _, name := range stale {
		if err := os.RemoveAll(s.layout.at(name)); err != nil {
			return err
		}
	}
	chosen, err := choosePorts(s.layout.at(portsFile))
	if err != nil {
		return err
	}
	s.layout.ports = chosen
	return s.layout.prepare()
}

// launch starts the three processes, each when the one it needs answers, and waits until the whole
// is usable.
func (s *supervisor) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.timeout)
	defer cancel()

	if err := s.start("etcd", s.layout.etcdArgs(s.options)); err != nil {
		return err
	}
	etcd, err := s.etcdHealth()
	if err != nil {
		return err
	}
	if err := s.await(ctx, "etcd to be healthy", etcd); err != nil {
		return err
	}

	if err := s.start("kube-apiserver", s.layout.apiServerArgs(s.options)); err != nil {
		return err
	}
	admin, err := newAdminClient(s.layout.at(adminKubeconfig))
	if err != nil {
		return err
	}
	get := func(path string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := admin.do(ctx, http.MethodGet, path, nil)
			return err
		}
	}
	// The controller manager gives up when the API server does not answer soon, so it starts second.
	if err := s.await(ctx, "kube-apiserver to answer", get("/version")); err != nil {
		return err
	}
	if err := s.start("kube-controller-manager", s.layout.controllerManagerArgs(s.options)); err != nil {
		return err
	}
	if err := s.await(ctx, "kube-apiserver to be ready", get("/readyz")); err != nil {
		return err
	}
	// The last thing a new cluster lacks, and a proof that the controllers work.
	account := "/api/v1/namespaces/default/serviceaccounts/default"
	if err := s.await(ctx, "kube-controller-manager to make the default ServiceAccount", get(account)); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "clientele-local: ready after %.1f s\n", time.Since(s.began).Seconds())
	return nil
}

func (s *supervisor) start(name string, args []string) error {
	path, err := componentPath(name, s.options.assets)
	if err != nil {
		return err
	}
	one, err := start(name, path, s.layout.at(logsDir), args)
	if err != nil {
		return err
	}
	s.children = append(s.children, one)
	return nil
}

// await asks until the answer is good, a child ends, or the time is over.
func (s *supervisor) await(ctx context.Context, what string, ask func(context.Context) error) error {
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		for _, one := range s.children {
			select {
			case <-one.ended:
				return one.failure()
			default:
			}
		}
		select {
		case <-ctx.Done():
			last := s.children[len(s.children)-1]
			return fmt.Errorf("waited %s for %s: %w; the end of %s:\n%s",
				time.Since(s.began).Round(time.Second), what, err, last.log, tail(last.log, 25))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// etcdHealth asks etcd for its health, with the API server's client certificate.
func (s *supervisor) etcdHealth() (func(context.Context) error, error) {
	config := s.layout.at(certificatesDir, "etcd.kubeconfig")
	ca, err := loadAuthority(s.layout.at(certificatesDir))
	if err != nil {
		return nil, err
	}
	if err := ca.clientKubeconfig(s.layout.etcd(), etcdClient, config); err != nil {
		return nil, err
	}
	client, err := newAdminClient(config)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := client.do(ctx, http.MethodGet, "/health", nil)
		return err
	}, nil
}

// watch waits for the end: one that was asked for, or that of a child. On SIGUSR1 the API server is
// killed and started again, as after a crash.
func (s *supervisor) watch(ctx context.Context) error {
	crash := make(chan os.Signal, 1)
	signal.Notify(crash, syscall.SIGUSR1)
	defer signal.Stop(crash)
	for {
		select {
		case <-ctx.Done():
			return nil
		case one := <-s.firstEnd():
			return one.failure()
		case <-crash:
			if err := s.restart("kube-apiserver", s.layout.apiServerArgs(s.options)); err != nil {
				return err
			}
		}
	}
}

// firstEnd tells of the first of today's children that ends.
func (s *supervisor) firstEnd() <-chan *child {
	ended := make(chan *child, len(s.children))
	for _, one := range s.children {
		go func() {
			<-one.ended
			ended <- one
		}()
	}
	return ended
}

// restart kills a child and puts a new one in its place.
func (s *supervisor) restart(name string, args []string) error {
	at := slices.IndexFunc(s.children, func(one *child) bool { return one.name == name })
	s.children[at].stop(0)
	if err := s.start(name, args); err != nil {
		return err
	}
	last := len(s.children) - 1
	s.children[at] = s.children[last]
	s.children = s.children[:last]
	return nil
}

// stop ends the children, the last one first, so that none loses what it stands on. Data that the
// next start throws away need no gentle end.
func (s *supervisor) stop() {
	patience := 3 * time.Second
	if s.options.fresh && s.options.withParent {
		patience = 0
	}
	for i := len(s.children) - 1; i >= 0; i-- {
		s.children[i].stop(patience)
	}
	if err := os.Remove(s.layout.at(instanceFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "clientele-local:", err)
	}
}

func (s *supervisor) describe() instance {
	return instance{
		Server:     s.layout.server(),
		Kubeconfig: s.layout.at(adminKubeconfig),
		AuditLog:   s.layout.at(auditLog),
		Logs:       s.layout.at(logsDir),
		PID:        os.Getpid(),
	}
}

// release gives the data directory back.
func (s *supervisor) release() { s.lock.Close() }
