package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMailThatIsSentIsTakenFromWhoMaySend(t *testing.T) {
	dir := t.TempDir()
	var said bytes.Buffer
	box := &mailbox{dir: dir, username: "cloudhaus", password: "secret", out: &said}
	server, err := box.server("")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()

	_, port, _ := net.SplitHostPort(listener.Addr().String())
	as := func(password string) error {
		return send([]string{"--server", "localhost:" + port, "--ca", filepath.Join(dir, "ca.crt"),
			"--username", "cloudhaus", "--password", password,
			"--from", "a@globex.example", "--to", "b@example.org, c@example.org", "--subject", "Hello"})
	}
	if err := as("guessed"); err == nil || !strings.Contains(err.Error(), "535") {
		t.Errorf("a wrong password: %v", err)
	}
	if err := as("secret"); err != nil {
		t.Fatal(err)
	}
	message, err := os.ReadFile(filepath.Join(dir, "0001.eml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(message), "Subject: Hello\r\n") {
		t.Errorf("kept: %s", message)
	}
	want := "by cloudhaus: \"Hello\" from a@globex.example to b@example.org, c@example.org\n"
	if said.String() != want {
		t.Errorf("said %q, not %q", said.String(), want)
	}
}
