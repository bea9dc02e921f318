//go:build !external

package main

import (
	"os"
	_ "time/tzdata" // time zones of CronJobs, on machines without tzdata

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl's ways to log in to an existing cluster
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/component-base/version"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// runComponent becomes the named program. Only one of them is ever constructed in a process: their
// feature gates and flags are process-wide.
func runComponent(name string, args []string) error {
	os.Args = args
	switch name {
	case "etcd":
		etcdmain.Main(args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kubectl":
		// As in kubectl's own main: its verbosity counts before its command exists.
		if _, err := logs.GlogSetter(cmd.GetLogVerbosity(args)); err != nil {
			return err
		}
		if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
	}
	return nil
}

// componentPath is the file to execute for a component: this binary itself, unless ready-made
// binaries are asked for.
func componentPath(name, assets string) (string, error) {
	if assets != "" {
		return assetPath(name, assets)
	}
	return os.Executable()
}

func contents() string { return "embedded " + version.Get().GitVersion }
