package howto

import (
	"errors"
	"fmt"
	"strings"
)

const (
	fence        = "```"
	console      = "console"
	prompt       = "$ "
	continuation = `\`
)

// shown are the blocks that show something and are not run. A block in any other language is an error: it would be a
// command that nobody runs.
var shown = map[string]bool{"yaml": true}

// Parse reads the commands of a page: the lines after a prompt in its console blocks, with those that continue them.
// What follows up to the next prompt is what they print.
func Parse(text string) (Page, error) {
	p := &parser{}
	for number, line := range strings.Split(text, "\n") {
		p.number = number + 1
		if err := p.read(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.number, err)
		}
	}
	if p.inside {
		return nil, errors.New("the last block has no end")
	}
	return p.page, nil
}

// parser is where in a page the reading has come to.
type parser struct {
	page    Page
	section string
	number  int

	// inside a block of some language, after the first prompt of it.
	inside   bool
	language string
	prompted bool
}

func (p *parser) read(line string) error {
	switch fenced := strings.HasPrefix(line, fence); {
	case fenced && p.inside:
		p.inside = false
	case fenced:
		p.inside, p.prompted, p.language = true, false, strings.TrimPrefix(line, fence)
		if p.language != console && !shown[p.language] {
			return fmt.Errorf("a block in %q is neither run nor known as one that only shows", p.language)
		}
	case p.inside && p.language == console:
		return p.readConsole(line)
	case !p.inside && strings.HasPrefix(line, "#"):
		p.section = strings.TrimSpace(strings.TrimLeft(line, "#"))
	}
	return nil
}

// readConsole reads a line of a console block.
func (p *parser) readConsole(line string) error {
	if text, found := strings.CutPrefix(line, prompt); found {
		p.prompted = true
		p.page = append(p.page, Command{Section: p.section, Line: p.number, Text: text})
		return nil
	}
	if !p.prompted {
		return errors.New("a console block begins with a prompt")
	}
	command := &p.page[len(p.page)-1]
	if command.Output == "" && strings.HasSuffix(command.Text, continuation) {
		command.Text += "\n" + line
		return nil
	}
	command.Output += line + "\n"
	return nil
}
