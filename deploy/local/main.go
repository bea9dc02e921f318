// Command clientele-local runs a real Kubernetes control plane on one machine, for the tests, the
// demo and the benchmarks of Clientele.
//
// It is a development tool and no part of the operator. One binary holds etcd, kube-apiserver,
// kube-controller-manager and kubectl; the supervisor (`up`) starts the first three as child
// processes of itself, each with TLS, its own certificate and its own log. There is no kubelet and
// no scheduler: pods are admitted, counted and deleted, but never run.
//
// The same file answers under four names: started through a link called kubectl (or with kubectl
// as its first argument) it is kubectl, and so on. Built with `-tags external` it holds none of the
// four and takes them from the directory named by KUBEBUILDER_ASSETS instead.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const usage = `clientele-local: a Kubernetes control plane for development (no part of the operator).

  clientele-local up --data DIR          run it until SIGTERM; prints one line of JSON when ready
                                         (SIGUSR1 kills the API server and starts another)
  clientele-local status --data DIR      print that line again, or fail if it does not run
  clientele-local down --data DIR        end it and wait for its end
  clientele-local kubeconfig --data DIR --service-account NAMESPACE/NAME -o FILE
                                         write a kubeconfig with a token of that ServiceAccount
  clientele-local run -- PROGRAM ARGUMENTS...
                                         run a program that ends when standard input does, or when this dies
  clientele-local relay --data DIR --listen ADDRESS --username U --password P
                                         be an SMTP relay that keeps what it gets
  clientele-local send --server ADDRESS --ca FILE --username U --password P --from A --to B --subject S
                                         send a message and say what the server answers
  clientele-local etcd|kube-apiserver|kube-controller-manager|kubectl ARGUMENTS...
                                         be that program
  clientele-local version                what is inside

Each of the first seven explains its flags with -h.
`

func init() {
	// The kernel sends a child its parent-death signal when the thread that forked it ends, not
	// when the process does. All children are started from the main goroutine, so it stays on the
	// main thread, which lives exactly as long as the process.
	runtime.LockOSThread()
}

func main() {
	if name := filepath.Base(os.Args[0]); isComponent(name) {
		fail(runComponent(name, os.Args))
		return
	}
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	command, rest := os.Args[1], os.Args[2:]
	switch {
	case isComponent(command):
		fail(runComponent(command, os.Args[1:]))
	case command == "up":
		fail(up(rest))
	case command == "status":
		fail(status(rest))
	case command == "down":
		fail(down(rest))
	case command == "run":
		fail(run(rest))
	case command == "relay":
		fail(relay(rest))
	case command == "send":
		fail(send(rest))
	case command == "kubeconfig":
		fail(serviceAccountKubeconfig(rest))
	case command == "version":
		fmt.Println(contents())
	case command == "help", command == "-h", command == "--help":
		fmt.Print(usage)
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
}

// componentNames are the programs this binary stands for.
var componentNames = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"}

func isComponent(name string) bool {
	for _, component := range componentNames {
		if name == component {
			return true
		}
	}
	return false
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "clientele-local:", err)
		os.Exit(1)
	}
}
