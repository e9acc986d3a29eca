package archtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// graph is the imports of a module: by import path, what each package imports directly. It holds the packages of
// the module and everything that they reach.
type graph struct {
	module  string
	imports map[string][]string
}

// own lists the packages of the module, relative to it, in order.
func (g graph) own() []string {
	var paths []string
	for path := range g.imports {
		if relative, ok := g.relative(path); ok {
			paths = append(paths, relative)
		}
	}
	slices.Sort(paths)
	return paths
}

// relative is an import path without the module's, and whether the package belongs to the module.
func (g graph) relative(path string) (string, bool) {
	if path == g.module {
		return "", true
	}
	return strings.CutPrefix(path, g.module+"/")
}

// absolute is the opposite of relative.
func (g graph) absolute(relative string) string {
	if relative == "" {
		return g.module
	}
	return g.module + "/" + relative
}

// check returns what in the graph is against the rules: one sentence each, none if all is well.
func check(g graph, rules []rule) []string {
	var violations []string
	met := map[string]bool{}
	for _, path := range g.own() {
		r, ok := ruleFor(rules, path)
		if !ok {
			violations = append(violations, fmt.Sprintf(
				"%s: no rule knows this package; give it a row that says what it may import", name(path)))
			continue
		}
		met[r.path] = true
		violations = append(violations, r.checkDirect(g, path)...)
		violations = append(violations, r.checkReached(g, path)...)
	}
	for _, r := range rules {
		if !met[r.path] {
			violations = append(violations, fmt.Sprintf(
				"%s: the rule is about a package that does not exist; remove the row", name(r.path)))
		}
	}
	return violations
}

// ruleFor is the rule that covers a package.
func ruleFor(rules []rule, path string) (rule, bool) {
	for _, r := range rules {
		if r.covers(path) {
			return r, true
		}
	}
	return rule{}, false
}

// covers reports whether the rule is about the package.
func (r rule) covers(path string) bool {
	root, tree := strings.CutSuffix(r.path, "/...")
	return path == root || tree && within(path, root)
}

// checkDirect compares the import statements of a package with the rule.
func (r rule) checkDirect(g graph, path string) []string {
	var violations []string
	for _, imported := range g.imports[g.absolute(path)] {
		if relative, own := g.relative(imported); own {
			if !slices.Contains(r.may, relative) && !r.covers(relative) {
				violations = append(violations, fmt.Sprintf("%s imports %s: %s", name(path), name(relative), r.why))
			}
			continue
		}
		if len(r.only) > 0 && !standard(imported) && !withinAny(imported, r.only) {
			violations = append(violations, fmt.Sprintf("%s imports %s: %s", name(path), imported, r.why))
		}
	}
	return violations
}

// checkReached follows the imports of a package to those that the rule forbids, and reports the shortest way to
// each forbidden prefix.
func (r rule) checkReached(g graph, path string) []string {
	var violations []string
	for _, forbidden := range r.never {
		way := g.shortestWay(g.absolute(path), forbidden)
		if way == nil {
			continue
		}
		violations = append(violations, fmt.Sprintf("%s reaches %s: %s (%s)",
			name(path), forbidden, r.why, strings.Join(way, " → ")))
	}
	return violations
}

// shortestWay is the chain of imports from a package to the nearest one under a prefix, both ends included; nil if
// there is none.
func (g graph) shortestWay(from, prefix string) []string {
	seen := map[string]bool{from: true}
	ways := [][]string{{from}}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		last := way[len(way)-1]
		if within(last, prefix) {
			return way
		}
		for _, next := range g.imports[last] {
			if !seen[next] {
				seen[next] = true
				ways = append(ways, append(slices.Clone(way), next))
			}
		}
	}
	return nil
}

// name is how a package of the module is called in messages.
func name(path string) string { return cmp.Or(path, "main") }

// standard reports whether an import path belongs to the standard library: its first element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within reports whether a package is the prefix itself or lies below it.
func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// withinAny reports whether a package lies within one of the prefixes.
func withinAny(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return within(path, prefix) })
}
