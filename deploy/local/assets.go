package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// assetsVariable is the name envtest gave to the directory of ready-made control plane binaries.
const assetsVariable = "KUBEBUILDER_ASSETS"

// assetPath finds a ready-made binary. Archives made for envtest lack kube-controller-manager, and
// without it no namespace is ever emptied and no ServiceAccount made, so its absence is named.
func assetPath(name, assets string) (string, error) {
	path, err := filepath.Abs(filepath.Join(assets, name))
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
		return path, nil
	}
	hint := ""
	if name == "kube-controller-manager" {
		hint = " (archives made for envtest come without it: add the one of the same Kubernetes release," +
			" from its server binaries)"
	}
	return "", fmt.Errorf("%s=%s has no executable %s%s", assetsVariable, assets, name, hint)
}
