package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
)

// netLogEvent is what is read of an event in the browser's own log of its network.
type netLogEvent struct {
	Type   int `json:"type"`
	Params struct {
		Address string `json:"address"`
	} `json:"params"`
}

// onlyLoopback reads the log of the browser's network: every connection, whatever for. It returns an error for each
// that does not lead to this machine, for each datagram (there is nothing here to send one for; a UDP socket that sends
// none is how the browser finds out about IPv6), and where the log tells of no connection at all.
func onlyLoopback(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("what the browser connected to is unknown: %w", err)
	}
	var log struct {
		Constants struct {
			EventTypes map[string]int `json:"logEventTypes"`
		} `json:"constants"`
		Events []netLogEvent `json:"events"`
	}
	if err := json.Unmarshal(content, &log); err != nil {
		return fmt.Errorf("what the browser connected to is unknown: %w", err)
	}
	var (
		connected int
		findings  []error
	)
	for _, event := range log.Events {
		switch {
		case event.Type == log.Constants.EventTypes["UDP_BYTES_SENT"]:
			findings = append(findings, errors.New("the browser has sent a datagram"))
		case event.Type == log.Constants.EventTypes["TCP_CONNECT_ATTEMPT"] && event.Params.Address != "":
			connected++
			if at, err := netip.ParseAddrPort(event.Params.Address); err != nil || !at.Addr().IsLoopback() {
				findings = append(findings, fmt.Errorf("the browser connected to %s", event.Params.Address))
			}
		}
	}
	if connected == 0 {
		return errors.New("the browser's log of its network tells of no connection")
	}
	return errors.Join(findings...)
}
