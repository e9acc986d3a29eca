// Package howto reads the how-tos of the documentation and runs their commands as a reader would, so that what they
// say stays true: every command has to succeed, and to print what the page shows.
package howto

import (
	"fmt"
	"os"
	"strings"
)

// Command is a command of a page.
type Command struct {
	// Section is the heading that it stands under, and Line where it begins.
	Section string
	Line    int
	// Text is what a reader types, Output what the page shows of the response; empty if it shows nothing.
	Text   string
	Output string
}

// Page is a how-to: its commands in the order of the text.
type Page []Command

// Replacement makes a page, or a file that it uses, fit to where it is run: another namespace, a shorter life.
type Replacement struct {
	Old, New string
}

// Replace replaces, and fails where there is nothing to replace: then the text has changed and the test has not.
func Replace(text string, replacements ...Replacement) (string, error) {
	for _, replacement := range replacements {
		if !strings.Contains(text, replacement.Old) {
			return "", fmt.Errorf("there is no %q that could be replaced by %q", replacement.Old, replacement.New)
		}
		text = strings.ReplaceAll(text, replacement.Old, replacement.New)
	}
	return text, nil
}

// Read reads a page of the documentation.
func Read(path string, replacements ...Replacement) (Page, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a how-to: %w", err)
	}
	text, err := Replace(string(content), replacements...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	page, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return page, nil
}

// Section returns the commands under a heading. There are some: a heading that has been renamed is an error.
func (p Page) Section(heading string) (Page, error) {
	var found Page
	for _, command := range p {
		if command.Section == heading {
			found = append(found, command)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no command under the heading %q", heading)
	}
	return found, nil
}

// Sections are the headings that have commands, in the order of the text.
func (p Page) Sections() []string {
	var headings []string
	for _, command := range p {
		if len(headings) == 0 || headings[len(headings)-1] != command.Section {
			headings = append(headings, command.Section)
		}
	}
	return headings
}
