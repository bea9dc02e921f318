package main

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	netmail "net/mail"
	netsmtp "net/smtp"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// relay is the command `relay`: an SMTP server that takes mail for anybody, keeps it as files and
// says so in a line each. The demo's mail routes lead here, as a company's lead to its relay.
func relay(args []string) error {
	flags := flag.NewFlagSet("relay", flag.ExitOnError)
	dir := flags.String("data", "", "directory for its certificate, its authority's (ca.crt) and the mail it gets")
	listen := flags.String("listen", "127.0.0.1:2525", "where it listens; it encrypts by STARTTLS")
	username := flags.String("username", "", "who may send")
	password := flags.String("password", "", "and with which password")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *username == "" {
		return errors.New("relay needs --data and --username")
	}
	box := &mailbox{dir: *dir, username: *username, password: *password, out: os.Stdout}
	server, err := box.server(*listen)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// mailbox is what a relay has taken.
type mailbox struct {
	dir, username, password string

	mutex sync.Mutex
	taken int
	out   io.Writer
}

func (m *mailbox) server(listen string) (*smtp.Server, error) {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	ca, err := loadAuthority(m.dir)
	if err != nil {
		return nil, err
	}
	if err := ca.issue(leaf{file: "relay", name: "relay", hosts: []string{"localhost", "127.0.0.1"}}); err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(ca.path("relay.crt"), ca.path("relay.key"))
	if err != nil {
		return nil, err
	}
	server := smtp.NewServer(m)
	server.Addr, server.Domain = listen, "localhost"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	server.MaxMessageBytes = 1 << 20
	return server, nil
}

// NewSession is of smtp.Backend.
func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &session{box: m}, nil
}

func (m *mailbox) keep(by, from string, to []string, message []byte) error {
	subject := "(no subject)"
	if parsed, err := netmail.ReadMessage(strings.NewReader(string(message))); err == nil {
		subject = parsed.Header.Get("Subject")
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.taken++
	path := filepath.Join(m.dir, fmt.Sprintf("%04d.eml", m.taken))
	if err := os.WriteFile(path, message, 0o600); err != nil {
		return err
	}
	_, err := fmt.Fprintf(m.out, "by %s: %q from %s to %s\n", by, subject, from, strings.Join(to, ", "))
	return err
}

// session is one connection. Who has not logged in sends nothing.
type session struct {
	box  *mailbox
	by   string
	from string
	to   []string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		same := subtle.ConstantTimeCompare([]byte(password), []byte(s.box.password)) == 1
		if username != s.box.username || !same {
			return smtp.ErrAuthFailed
		}
		s.by = username
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.by == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return s.box.keep(s.by, s.from, s.to, message)
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

// send is the command `send`: it gives one message to a mail server, as a customer's software does,
// and prints the server's answer.
func send(args []string) error {
	flags := flag.NewFlagSet("send", flag.ExitOnError)
	server := flags.String("server", "localhost:587", "the mail server; it has to encrypt by STARTTLS")
	ca := flags.String("ca", "", "file of the authority that has signed its certificate")
	username := flags.String("username", "", "login")
	password := flags.String("password", "", "its password")
	from := flags.String("from", "", "sender")
	to := flags.String("to", "", "recipients, with commas between them")
	subject := flags.String("subject", "", "subject")
	if err := flags.Parse(args); err != nil {
		return err
	}
	authority, err := os.ReadFile(*ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return fmt.Errorf("%s has no certificate", *ca)
	}
	host, _, _ := strings.Cut(*server, ":")
	client, err := netsmtp.Dial(*server)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.StartTLS(&tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}); err != nil {
		return err
	}
	if err := client.Auth(netsmtp.PlainAuth("", *username, *password, host)); err != nil {
		return err
	}
	if err := client.Mail(*from); err != nil {
		return err
	}
	for recipient := range strings.SplitSeq(*to, ",") {
		if err := client.Rcpt(strings.TrimSpace(recipient)); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(body, "From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nHello\r\n", *from, *to, *subject); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	fmt.Println("taken")
	return client.Quit()
}
