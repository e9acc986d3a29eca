//go:build !linux

// Package machine says whether this machine can run a node of Kubernetes.
package machine

import (
	"context"
	"errors"
)

// CanRunNode returns why no node can be booted here: containers are a matter of Linux.
func CanRunNode(context.Context) error { return errors.New("a node needs Linux") }
