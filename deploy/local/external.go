//go:build external

package main

import (
	"errors"
	"os"
	"syscall"
)

func runComponent(name string, args []string) error {
	path, err := componentPath(name, os.Getenv(assetsVariable))
	if err != nil {
		return err
	}
	return syscall.Exec(path, append([]string{name}, args[1:]...), os.Environ())
}

func componentPath(name, assets string) (string, error) {
	if assets == "" {
		return "", errors.New("this build holds no Kubernetes: set " + assetsVariable +
			" to a directory with the binaries, or unset it and run `make control-plane`")
	}
	return assetPath(name, assets)
}

func contents() string { return "external" }
