package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// auditPolicy logs who asked for what, once, when the answer is known (watches also when they
// begin). Health checks and discovery are left out: they say nothing about anybody's objects.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*", "/api", "/api/*", "/apis", "/apis/*", "/metrics"]
- level: Metadata
`

// issuer is the one kubeadm sets.
const issuer = "https://kubernetes.default.svc.cluster.local"

// layout knows where everything of one control plane is.
type layout struct {
	dir   string
	ports ports
}

func (l layout) at(names ...string) string {
	return filepath.Join(append([]string{l.dir}, names...)...)
}

func (l layout) pki(name string) string { return l.at(certificatesDir, name) }

func (l layout) server() string { return "https://127.0.0.1:" + strconv.Itoa(l.ports.APIServer) }

func (l layout) etcd() string { return "https://127.0.0.1:" + strconv.Itoa(l.ports.Etcd) }

// The certificates of the control plane and of its administrator.
var (
	etcdServing      = leaf{file: "etcd", name: "etcd", hosts: []string{"127.0.0.1", "localhost"}}
	etcdClient       = leaf{file: "apiserver-etcd-client", name: "kube-apiserver-etcd-client"}
	apiServerServing = leaf{file: "apiserver", name: "kube-apiserver", hosts: []string{
		"127.0.0.1", "10.96.0.1", "localhost", "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}}
	administrator     = leaf{file: "admin", name: "kubernetes-admin", organization: "system:masters"}
	controllerManager = leaf{file: "controller-manager", name: "system:kube-controller-manager"}
)

// prepare writes the certificates, keys and configuration files.
func (l layout) prepare() error {
	for _, dir := range []string{certificatesDir, logsDir, etcdDir} {
		if err := os.MkdirAll(l.at(dir), 0o700); err != nil {
			return err
		}
	}
	ca, err := loadAuthority(l.at(certificatesDir))
	if err != nil {
		return err
	}
	for _, one := range []leaf{etcdServing, etcdClient, apiServerServing, administrator, controllerManager} {
		if err := ca.issue(one); err != nil {
			return err
		}
	}
	key, err := loadKey(l.pki("sa.key"))
	if err != nil {
		return err
	}
	if err := writePublicKey(l.pki("sa.pub"), key); err != nil {
		return err
	}
	if err := ca.clientKubeconfig(l.server(), administrator, l.at(adminKubeconfig)); err != nil {
		return err
	}
	if err := ca.clientKubeconfig(l.server(), controllerManager, l.at(controllerConfig)); err != nil {
		return err
	}
	return os.WriteFile(l.at("audit-policy.yaml"), []byte(auditPolicy), 0o600)
}

func (l layout) etcdArgs(o options) []string {
	peer := "https://127.0.0.1:" + strconv.Itoa(l.ports.EtcdPeer)
	args := []string{
		"--name=local",
		"--data-dir=" + l.at(etcdDir),
		"--listen-client-urls=" + l.etcd(),
		"--advertise-client-urls=" + l.etcd(),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=local=" + peer,
		"--client-cert-auth", "--peer-client-cert-auth",
		"--trusted-ca-file=" + l.pki("ca.crt"), "--peer-trusted-ca-file=" + l.pki("ca.crt"),
		"--cert-file=" + l.pki("etcd.crt"), "--peer-cert-file=" + l.pki("etcd.crt"),
		"--key-file=" + l.pki("etcd.key"), "--peer-key-file=" + l.pki("etcd.key"),
		"--log-level=warn",
	}
	if !o.fsync {
		args = append(args, "--unsafe-no-fsync")
	}
	return args
}

// apiServerArgs keeps to what kubeadm sets and to the defaults elsewhere: what passes here should
// pass on a real cluster.
func (l layout) apiServerArgs(o options) []string {
	args := []string{
		"--etcd-servers=" + l.etcd(),
		"--etcd-cafile=" + l.pki("ca.crt"),
		"--etcd-certfile=" + l.pki("apiserver-etcd-client.crt"),
		"--etcd-keyfile=" + l.pki("apiserver-etcd-client.key"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(l.ports.APIServer),
		// Endpoints must not name a loopback address, and nothing here would use them.
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + l.pki("apiserver.crt"),
		"--tls-private-key-file=" + l.pki("apiserver.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + l.pki("sa.pub"),
		"--service-account-signing-key-file=" + l.pki("sa.key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
		"--audit-policy-file=" + l.at("audit-policy.yaml"),
		"--audit-log-path=" + l.at(auditLog),
		"--audit-log-format=json",
		// In MiB. Unset, it is cut at 100: a whole test run or benchmark must stay readable.
		"--audit-log-maxsize=4096",
		"--audit-log-maxbackup=1",
	}
	if o.authenticationConfig != "" {
		args = append(args, "--authentication-config="+o.authenticationConfig)
	}
	return args
}

func (l layout) controllerManagerArgs(o options) []string {
	args := []string{
		"--kubeconfig=" + l.at(controllerConfig),
		// Nobody asks it anything.
		"--secure-port=0",
		// There is one; a lease left by the one before would only delay the start.
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--service-account-private-key-file=" + l.pki("sa.key"),
		"--root-ca-file=" + l.pki("ca.crt"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--cluster-signing-cert-file=" + l.pki("ca.crt"),
		"--cluster-signing-key-file=" + l.pki("ca.key"),
	}
	if o.controllerQPS > 0 {
		args = append(args, fmt.Sprintf("--kube-api-qps=%g", o.controllerQPS))
	}
	if o.controllerBurst > 0 {
		args = append(args, fmt.Sprintf("--kube-api-burst=%d", o.controllerBurst))
	}
	return args
}
