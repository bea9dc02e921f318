package main

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func testLayout(t *testing.T) layout {
	t.Helper()
	l := layout{dir: t.TempDir(), ports: ports{Etcd: 1, EtcdPeer: 2, APIServer: 3}}
	if err := l.prepare(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCertificatesVerifyAgainstTheAuthority(t *testing.T) {
	l := testLayout(t)
	ca, err := readCertificate(l.pki("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	cases := []struct {
		file  string
		host  string
		usage x509.ExtKeyUsage
	}{
		{"apiserver", "127.0.0.1", x509.ExtKeyUsageServerAuth},
		{"apiserver", "kubernetes.default.svc", x509.ExtKeyUsageServerAuth},
		{"etcd", "127.0.0.1", x509.ExtKeyUsageServerAuth},
		{"admin", "", x509.ExtKeyUsageClientAuth},
		{"controller-manager", "", x509.ExtKeyUsageClientAuth},
	}
	for _, c := range cases {
		certificate, err := readCertificate(l.pki(c.file + ".crt"))
		if err != nil {
			t.Fatal(err)
		}
		options := x509.VerifyOptions{Roots: roots, DNSName: c.host, KeyUsages: []x509.ExtKeyUsage{c.usage}}
		if _, err := certificate.Verify(options); err != nil {
			t.Errorf("%s for %q: %v", c.file, c.host, err)
		}
	}
	admin, err := readCertificate(l.pki("admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(admin.Subject.Organization, []string{"system:masters"}) {
		t.Errorf("the administrator is in %v", admin.Subject.Organization)
	}
	serverOnly := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if _, err := admin.Verify(serverOnly); err == nil {
		t.Error("a client's certificate passes as a server's")
	}
}

func TestAKeptDirectoryKeepsItsAuthorityAndItsTokens(t *testing.T) {
	l := testLayout(t)
	kept := []string{"ca.crt", "ca.key", "sa.key", "sa.pub"}
	before := map[string]string{}
	for _, name := range kept {
		before[name] = read(t, l.pki(name))
	}
	if err := l.prepare(); err != nil {
		t.Fatal(err)
	}
	for _, name := range kept {
		if read(t, l.pki(name)) != before[name] {
			t.Errorf("%s changed", name)
		}
	}
}

func TestPrivateFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	l := testLayout(t)
	for _, path := range []string{l.pki("ca.key"), l.pki("sa.key"), l.pki("admin.key"), l.at(adminKubeconfig)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
}

func TestTheAdministratorsKubeconfigReadsBack(t *testing.T) {
	l := testLayout(t)
	client, err := newAdminClient(l.at(adminKubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	if client.server != "https://127.0.0.1:3" {
		t.Errorf("server is %s", client.server)
	}
}

func TestPortsAreKeptWhileTheyAreFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), portsFile)
	first, err := choosePorts(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Etcd == first.EtcdPeer || first.Etcd == first.APIServer || first.EtcdPeer == first.APIServer {
		t.Errorf("twice the same port: %+v", first)
	}
	again, err := choosePorts(path)
	if err != nil {
		t.Fatal(err)
	}
	if again != first {
		t.Errorf("%+v became %+v", first, again)
	}
}

func TestALockIsHeldOnce(t *testing.T) {
	dir := t.TempDir()
	if up, err := running(dir); up || err != nil {
		t.Fatalf("an empty directory: running %v, %v", up, err)
	}
	held, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); !errors.Is(err, errTaken) {
		t.Errorf("a second lock: %v", err)
	}
	if up, err := running(dir); !up || err != nil {
		t.Errorf("while locked: running %v, %v", up, err)
	}
	held.Close()
	if up, err := running(dir); up || err != nil {
		t.Errorf("afterwards: running %v, %v", up, err)
	}
}

func TestAChildThatDiesIsReportedWithTheEndOfItsLog(t *testing.T) {
	one, err := start("sh", "/bin/sh", t.TempDir(), []string{"-c", "seq 100; echo the reason >&2; exit 3"})
	if err != nil {
		t.Fatal(err)
	}
	<-one.ended
	message := one.failure().Error()
	for _, part := range []string{"exit status 3", "the reason", "\n100\n"} {
		if !strings.Contains(message, part) {
			t.Errorf("%q lacks %q", message, part)
		}
	}
	if strings.Contains(message, "\n50\n") {
		t.Error("the whole log is shown")
	}
}

func TestAPatientLockWaitsForTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	before, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { before.Close() })
	held, err := lockPatiently(dir, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	held.Close()
}

func TestAssetsWithoutAControllerManagerAreExplained(t *testing.T) {
	assets := t.TempDir()
	if err := os.WriteFile(filepath.Join(assets, "etcd"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := assetPath("etcd", assets); err != nil {
		t.Error(err)
	}
	_, err := assetPath("kube-controller-manager", assets)
	if err == nil || !strings.Contains(err.Error(), "envtest") {
		t.Errorf("got %v", err)
	}
}

func TestFlagsReachTheComponents(t *testing.T) {
	l := layout{dir: "/data", ports: ports{Etcd: 1, EtcdPeer: 2, APIServer: 3}}
	o, err := parseOptions([]string{"--data", "/data", "--fsync=false", "--kcm-qps", "200", "--kcm-burst", "300",
		"--authentication-config", "/auth.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"--unsafe-no-fsync":                    l.etcdArgs(o),
		"--authentication-config=/auth.yaml":   l.apiServerArgs(o),
		"--kube-api-qps=200":                   l.controllerManagerArgs(o),
		"--kube-api-burst=300":                 l.controllerManagerArgs(o),
		"--use-service-account-credentials":    l.controllerManagerArgs(o),
		"--authorization-mode=Node,RBAC":       l.apiServerArgs(o),
		"--audit-log-path=/data/" + auditLog:   l.apiServerArgs(o),
		"--etcd-servers=https://127.0.0.1:1":   l.apiServerArgs(o),
		"--listen-client-urls=" + l.etcd():     l.etcdArgs(o),
		"--service-account-issuer=" + issuer:   l.apiServerArgs(o),
		"--root-ca-file=" + l.pki("ca.crt"):    l.controllerManagerArgs(o),
		"--trusted-ca-file=" + l.pki("ca.crt"): l.etcdArgs(o),
	}
	for argument, arguments := range want {
		if !slices.Contains(arguments, argument) {
			t.Errorf("%s is missing in %v", argument, arguments)
		}
	}
	plain, err := parseOptions([]string{"--data", "/data"})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(l.etcdArgs(plain), "--unsafe-no-fsync") {
		t.Error("etcd does not wait for the disk by default")
	}
}

func TestUnknownArgumentsAndAMissingDirectoryAreRefused(t *testing.T) {
	for _, args := range [][]string{{}, {"--data", "/data", "extra"}} {
		if _, err := parseOptions(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
