package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
)

// console asks on the terminal that the program runs in.
type console struct{ lines *bufio.Reader }

// terminal is the console, nil where standard input is none.
func terminal() commands.Terminal {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return &console{lines: bufio.NewReader(os.Stdin)}
}

// Ask shows a text and reads a line.
func (c *console) Ask(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	line, err := c.lines.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// AskHidden reads a line that is not shown while it is typed.
func (*console) AskHidden(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	line, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(line), err
}
