package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kubeconfig is the part of the client configuration that is written here. JSON is YAML, so no YAML
// library is needed.
type kubeconfig struct {
	APIVersion     string           `json:"apiVersion"`
	Kind           string           `json:"kind"`
	CurrentContext string           `json:"current-context"`
	Clusters       []namedCluster   `json:"clusters"`
	Users          []namedUser      `json:"users"`
	Contexts       []map[string]any `json:"contexts"`
}

type namedCluster struct {
	Name    string  `json:"name"`
	Cluster cluster `json:"cluster"`
}

type cluster struct {
	Server string `json:"server"`
	CAData []byte `json:"certificate-authority-data"`
}

type namedUser struct {
	Name string `json:"name"`
	User user   `json:"user"`
}

type user struct {
	CertificateData []byte `json:"client-certificate-data,omitempty"`
	KeyData         []byte `json:"client-key-data,omitempty"`
	Token           string `json:"token,omitempty"`
}

const clusterName = "clientele-local"

func newKubeconfig(server string, ca []byte, name string, credentials user) kubeconfig {
	return kubeconfig{
		APIVersion:     "v1",
		Kind:           "Config",
		CurrentContext: clusterName,
		Clusters:       []namedCluster{{clusterName, cluster{server, ca}}},
		Users:          []namedUser{{name, credentials}},
		Contexts: []map[string]any{{
			"name":    clusterName,
			"context": map[string]string{"cluster": clusterName, "user": name},
		}},
	}
}

// write replaces the file in one step: someone may be reading the old one.
func (k kubeconfig) write(path string) error {
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// clientKubeconfig writes <file>.kubeconfig for a certificate that the authority has issued.
func (a *authority) clientKubeconfig(server string, l leaf, path string) error {
	ca, err := os.ReadFile(a.path("ca.crt"))
	if err != nil {
		return err
	}
	certificate, err := os.ReadFile(a.path(l.file + ".crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(a.path(l.file + ".key"))
	if err != nil {
		return err
	}
	credentials := user{CertificateData: certificate, KeyData: key}
	return newKubeconfig(server, ca, l.name, credentials).write(path)
}

// adminClient is just enough of a Kubernetes client to watch over the control plane: a supervisor
// built with `-tags external` must not need the Kubernetes libraries.
type adminClient struct {
	server string
	ca     []byte
	http   *http.Client
}

func newAdminClient(path string) (*adminClient, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config kubeconfig
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("%s was not written by this program", path)
	}
	to, as := config.Clusters[0].Cluster, config.Users[0].User
	certificate, err := tls.X509KeyPair(as.CertificateData, as.KeyData)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(to.CAData)
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{certificate},
	}}
	return &adminClient{to.Server, to.CAData, &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

// do sends one request and returns the body of a successful answer.
func (c *adminClient) do(ctx context.Context, method, path string, body any) ([]byte, error) {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, payload)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "clientele-local")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}

// serviceAccountKubeconfig is the command `kubeconfig`: it asks the API server for a token, as a
// kubelet would for a pod, and writes a kubeconfig with it.
func serviceAccountKubeconfig(args []string) error {
	flags := flag.NewFlagSet("kubeconfig", flag.ExitOnError)
	data := dataFlag(flags)
	account := flags.String("service-account", "", "NAMESPACE/NAME of an existing ServiceAccount")
	output := flags.String("o", "", "file to write")
	lifetime := flags.Duration("duration", 24*time.Hour, "how long the token is valid")
	if err := parse(flags, args); err != nil {
		return err
	}
	namespace, name, found := strings.Cut(*account, "/")
	if !found || namespace == "" || name == "" || *output == "" {
		return fmt.Errorf("kubeconfig needs --service-account NAMESPACE/NAME and -o FILE")
	}
	client, err := newAdminClient(filepath.Join(*data, adminKubeconfig))
	if err != nil {
		return err
	}
	request := map[string]any{
		"apiVersion": "authentication.k8s.io/v1",
		"kind":       "TokenRequest",
		"spec":       map[string]any{"expirationSeconds": int64(lifetime.Seconds())},
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/serviceaccounts/%s/token", namespace, name)
	answer, err := client.do(context.Background(), http.MethodPost, path, request)
	if err != nil {
		return err
	}
	var granted struct {
		Status struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	if err := json.Unmarshal(answer, &granted); err != nil {
		return err
	}
	return newKubeconfig(client.server, client.ca, name, user{Token: granted.Status.Token}).write(*output)
}
