package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// Formats of --output.
const (
	formatWide = "wide"
	formatJSON = "json"
	formatYAML = "yaml"
)

// printRows prints rows as the flags say.
func (p *program) printRows(rows []overview.Row, options statusOptions, noHeaders bool) error {
	if options.output == formatJSON || options.output == formatYAML {
		return printDocument(p.Streams.Out, options.output, struct {
			Items []overview.Row `json:"items"`
		}{append([]overview.Row{}, rows...)})
	}
	if len(rows) == 0 && !options.watch {
		p.warnf("There is no certificate or password of varmenne-issuer %s.", p.where(options.all))
		return nil
	}
	table := printers.GetNewTabWriter(p.Streams.Out)
	if !noHeaders {
		fmt.Fprintln(table, headers(options))
	}
	for i := range rows {
		fmt.Fprintln(table, cells(&rows[i], options))
	}
	return table.Flush()
}

// where names what was looked through, and where else something may be.
func (p *program) where(all bool) string {
	namespace, _, err := p.flags.ToRawKubeConfigLoader().Namespace()
	if all || err != nil {
		return "in the whole cluster"
	}
	return "in namespace " + namespace + "; -A looks through all"
}

func printDocument(to io.Writer, format string, document any) error {
	content, err := json.MarshalIndent(document, "", "  ")
	if err == nil && format == formatYAML {
		content, err = yaml.JSONToYAML(content)
	}
	if err != nil {
		return fmt.Errorf("print as %s: %w", format, err)
	}
	if format == formatJSON {
		content = escaped(content)
	}
	_, err = fmt.Fprintln(to, strings.TrimSuffix(string(content), "\n"))
	return err
}

// escaped is JSON in which what moves a terminal's cursor is escaped. It stands in strings alone.
func escaped(document []byte) []byte {
	text := &bytes.Buffer{}
	for _, r := range string(document) {
		if r == '\n' || unicode.IsGraphic(r) {
			text.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(text, `\u%04x`, unit)
		}
	}
	return text.Bytes()
}

func headers(options statusOptions) string {
	columns := []string{"SEVERITY", "KIND", "NAME", "STATE", "DAYS", "NEXT", "WHOSE TURN"}
	if options.all {
		columns = append([]string{"NAMESPACE"}, columns...)
	}
	if options.output == formatWide {
		columns = append(columns, "ISSUER", "REASON", "COMMAND", "MESSAGE")
	}
	return strings.Join(columns, "\t")
}

// cells are the columns of a row, as a table takes them.
func cells(row *overview.Row, options statusOptions) string {
	columns := []string{
		string(row.Severity), row.Kind, row.Name, orDash(row.State), days(row), next(row), row.Text(),
	}
	if options.all {
		columns = append([]string{row.Namespace}, columns...)
	}
	if options.output == formatWide {
		columns = append(columns, orDash(row.Issuer), orDash(row.Reason), orDash(row.Command), orDash(row.Message))
	}
	for i := range columns {
		columns[i] = actions.Visible(columns[i])
		if i < len(columns)-1 {
			columns[i] = clipped(columns[i])
		}
	}
	return strings.Join(columns, "\t")
}

// clipped is a text as far as a column takes it: every other row would get the blanks of one without end.
func clipped(text string) string {
	const longest = 600 // a command with three names
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}

func days(row *overview.Row) string {
	if row.DaysLeft == nil {
		return "-"
	}
	return strconv.Itoa(*row.DaysLeft)
}

func next(row *overview.Row) string {
	if row.Next == nil {
		return "-"
	}
	return row.Next.Time.UTC().Format(time.DateOnly) + " " + row.Next.What
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
