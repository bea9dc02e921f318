package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

// ports are kept in the data directory and used again while they are free, so that a kubeconfig
// copied elsewhere survives a restart.
type ports struct {
	Etcd      int `json:"etcd"`
	EtcdPeer  int `json:"etcdPeer"`
	APIServer int `json:"apiServer"`
}

// Below the range that Linux takes the ports of outgoing connections from: a port found free there
// cannot be taken by one of those before the child listens on it.
const (
	lowestPort  = 20000
	highestPort = 29999
)

// choosePorts reads the ports from the file, replaces those that are taken, and writes it again.
func choosePorts(path string) (ports, error) {
	var chosen ports
	if data, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(data, &chosen); err != nil {
			return chosen, fmt.Errorf("%s: %w", path, err)
		}
	}
	used := map[int]bool{}
	for _, port := range []*int{&chosen.Etcd, &chosen.EtcdPeer, &chosen.APIServer} {
		for tries := 0; *port == 0 || used[*port] || !free(*port); tries++ {
			if tries == 1000 {
				return chosen, fmt.Errorf("no free port between %d and %d", lowestPort, highestPort)
			}
			*port = lowestPort + rand.IntN(highestPort-lowestPort+1)
		}
		used[*port] = true
	}
	data, err := json.Marshal(chosen)
	if err != nil {
		return chosen, err
	}
	return chosen, os.WriteFile(path, data, 0o600)
}

func free(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
