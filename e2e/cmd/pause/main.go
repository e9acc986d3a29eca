// Pause does nothing until it is told to end. It is the first process of every Pod on the test node, where it
// holds the Pod's network while containers come and go.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	<-end
}
