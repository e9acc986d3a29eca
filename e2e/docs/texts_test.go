package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// speaking are the packages whose texts users read.
var speaking = []string{
	"api", "internal/app", "internal/endpoints", "internal/gate", "internal/https", "internal/kube", "internal/manual",
	"internal/messages", "internal/owner", "internal/pasted", "internal/pki", "internal/secrets", "internal/tracked",
	"internal/vero", "main.go",
}

// ofLibraries are texts that our program shows and does not make.
var ofLibraries = []string{"unknown flag"}

// goFiles are the files of the product, without tests, below some paths.
func goFiles(t *testing.T, paths ...string) []string {
	t.Helper()
	var files []string
	for _, path := range paths {
		err := filepath.WalkDir(filepath.Join(repository(t), path), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				files = append(files, path)
			}
			return err
		})
		must.Do(t, err)
	}
	return files
}

func sourceOf(t *testing.T, paths ...string) string {
	t.Helper()
	text := &strings.Builder{}
	for _, file := range goFiles(t, paths...) {
		content := must.Get(os.ReadFile(file))(t)
		text.Write(content)
	}
	return text.String()
}

// verb is where a format puts a value.
var verb = regexp.MustCompile(`%(?:\.\*)?[#+-]?\d*[a-z]`)

// marked are the messages that markers of the API have the API server write.
var marked = regexp.MustCompile(`message: "([^"]+)"`)

// textsOfTheProduct are the texts in the sources, cut where a value comes in. What is written with + is one text.
func textsOfTheProduct(t *testing.T) []string {
	t.Helper()
	var texts []string
	for _, message := range marked.FindAllStringSubmatch(sourceOf(t, "api"), -1) {
		texts = append(texts, message[1])
	}
	for _, file := range goFiles(t, speaking...) {
		parsed := must.Get(parser.ParseFile(token.NewFileSet(), file, nil, 0))(t)
		ast.Inspect(parsed, func(node ast.Node) bool {
			expression, isExpression := node.(ast.Expr)
			if !isExpression {
				return true
			}
			text, isText := textOf(expression)
			if isText {
				texts = append(texts, verb.Split(text, -1)...)
			}
			return !isText
		})
	}
	return texts
}

// textOf is a literal, or several with + between them; anything else in between is a value.
func textOf(expression ast.Expr) (string, bool) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, isLeft := textOf(e.X)
		right, isRight := textOf(e.Y)
		const value = "%s"
		if !isLeft {
			left = value
		}
		if !isRight {
			right = value
		}
		return left + right, isLeft || isRight
	default:
		return "", false
	}
}

var quoted = regexp.MustCompile(`“([^”]+)”`)

// TestEveryTextThatIsQuotedIsOneOfTheProduct: who searches for what they read in a condition has to find it here.
func TestEveryTextThatIsQuotedIsOneOfTheProduct(t *testing.T) {
	texts, checked := textsOfTheProduct(t), 0
	for page, content := range pages(t) {
		if page == "docs/reliability.md" || strings.HasPrefix(page, "docs/reference/") || page == "docs/monitoring.md" {
			continue // run by e2e/stories; generated; about the texts of the rules
		}
		for _, match := range quoted.FindAllStringSubmatch(prose(content), -1) {
			text := strings.Join(strings.Fields(strings.ReplaceAll(match[1], `\|`, "|")), " ")
			if strings.HasPrefix(text, "quotes") {
				continue
			}
			for part := range strings.SplitSeq(text, "…") {
				part = strings.Trim(part, " ")
				if part == "" || strings.Trim(part, ".,:;() ") == "" || slices.Contains(ofLibraries, part) {
					continue
				}
				checked++
				if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) }) {
					t.Errorf("%s: no text of the product has %q in it, of “%s”", page, part, text)
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d texts were found", checked)
	}
}

// TestEveryReasonIsExplained: the page that is made from the API's constants has them all; a page written by people
// explains those of issuers and of failing renewals.
func TestEveryReasonIsExplained(t *testing.T) {
	conditions := read(t, "docs", "reference", "conditions.md")
	section := func(heading string) []string {
		_, rest, found := strings.Cut(conditions, "\n## "+heading+"\n")
		if !found {
			t.Fatalf("there is no %q among the conditions", heading)
		}
		rest, _, _ = strings.Cut(rest, "\n## ")
		rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(rest, -1)
		values := make([]string, 0, len(rows))
		for _, match := range rows {
			values = append(values, match[1])
		}
		return values
	}
	pages := read(t, "docs", "troubleshooting.md") + read(t, "docs", "renewal.md")
	for _, reason := range section("Reasons of an issuer's Ready condition") {
		if reason != "Checked" && !strings.Contains(pages, "`"+reason+"`") {
			t.Errorf("no page explains the reason %s of issuers", reason)
		}
	}
}

// TestEveryCodeOfTheServiceIsExplained compares with the table in the product.
func TestEveryCodeOfTheServiceIsExplained(t *testing.T) {
	page := read(t, "docs", "troubleshooting.md")
	for _, match := range regexp.MustCompile(`Code = "(PKI\d+)"`).FindAllStringSubmatch(sourceOf(t, "internal/vero"), -1) {
		if !strings.Contains(page, "\n| "+match[1]+" |") {
			t.Errorf("docs/troubleshooting.md does not explain %s", match[1])
		}
	}
}
