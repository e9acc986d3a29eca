package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// row is a line of a table: a module, its figures, and why it is there.
var row = regexp.MustCompile(`(?m)^\| (\S+\.\S+/\S+|\S+\.\S+) \|(?: [\d,–]+ \|)+ (.*?) ?\|$`)

// table is a whole table, after its heading.
var table = regexp.MustCompile(`(?m)(^\| Module \|.*\n\| --- \|.*\n)((?:\|.*\n)*)`)

// reasons are what a page says of modules.
func reasons(content string) map[string]string {
	found := map[string]string{}
	for _, match := range row.FindAllStringSubmatch(content, -1) {
		found[match[1]] = match[2]
	}
	return found
}

// written is the page with new figures. The first table has the modules of the program, the second those of the plugin
// alone. A module that is new has no reason yet, and the test asks for one.
func written(content string, program, plugin weights) string {
	why := reasons(content)
	var tables [2][]string
	for _, module := range sorted(program.modules) {
		tables[0] = append(tables[0], fmt.Sprintf("| %s | %s | %s | %s |\n", module, kilobytes(program.modules, module),
			kilobytes(plugin.modules, module), why[module]))
	}
	for _, module := range sorted(plugin.modules) {
		if _, is := program.modules[module]; !is {
			weight := kilobytes(plugin.modules, module)
			tables[1] = append(tables[1], fmt.Sprintf("| %s | %s | %s |\n", module, weight, why[module]))
		}
	}
	number := 0
	content = table.ReplaceAllStringFunc(content, func(old string) string {
		heading := table.FindStringSubmatch(old)[1]
		number++
		return heading + strings.Join(tables[number-1], "")
	})
	for name, w := range map[string]weights{"program": program, "plugin": plugin} {
		size := regexp.MustCompile(`(The ` + name + ` has )[\d.]+( MB)`)
		content = size.ReplaceAllString(content, fmt.Sprintf("${1}%.1f${2}", float64(w.file)/1e6))
	}
	return content
}

// sorted are modules, heaviest first.
func sorted(modules map[string]int) []string {
	names := make([]string, 0, len(modules))
	for name := range modules {
		names = append(names, name)
	}
	slices.SortFunc(names, func(one, other string) int {
		return cmp.Or(cmp.Compare(modules[other], modules[one]), strings.Compare(one, other))
	})
	return names
}

// kilobytes is a figure of a module that is linked, rounded up: one that is a constant away from nothing is no zero.
func kilobytes(modules map[string]int, module string) string {
	bytes, is := modules[module]
	if !is {
		return "–"
	}
	return strconv.Itoa((bytes + 999) / 1000)
}
