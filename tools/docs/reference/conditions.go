package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// conditionsPage lists the documented constants of files of the API, block by block, with what their comments say.
func conditionsPage(paths ...string) (string, error) {
	text := &strings.Builder{}
	fmt.Fprintf(text, generated, "the comments of api/v1alpha1")
	text.WriteString("# Conditions, reasons, annotations and labels\n\nThe reasons stand in the condition `Ready` of " +
		"issuers and orders, in events, in the label `reason` of the metric of failing renewals, and in the condition\n" +
		"`varmenne.dev/RenewalFailing`. The condition `Ready` of a `CertificateRequest` has cert-manager's own reasons " +
		"(`Pending`, `Issued`, `Failed`, `Denied`) and the message of the order.\n" +
		"[Troubleshooting](../troubleshooting.md) has the messages, and what to do about each.\n")
	for _, path := range paths {
		if err := writeBlocks(text, path); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	writeMeanings(text)
	return text.String(), nil
}

// writeBlocks writes the blocks of constants of a file, of which there is at least one.
func writeBlocks(text *strings.Builder, path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	blocks := 0
	for _, declaration := range file.Decls {
		block, isBlock := declaration.(*ast.GenDecl)
		if !isBlock || block.Tok != token.CONST {
			continue
		}
		blocks++
		if err := writeBlock(text, block); err != nil {
			return err
		}
	}
	if blocks == 0 {
		return errors.New("there are no constants")
	}
	return nil
}

// writeBlock writes a table of constants that hold texts; others are for code.
func writeBlock(text *strings.Builder, block *ast.GenDecl) error {
	fmt.Fprintf(text, "\n## %s\n\n| Value | Meaning |\n| --- | --- |\n",
		strings.TrimSuffix(paragraph(block.Doc.Text()), "."))
	for _, spec := range block.Specs {
		constant, isConstant := spec.(*ast.ValueSpec)
		if !isConstant || len(constant.Values) != 1 {
			continue
		}
		literal, isLiteral := constant.Values[0].(*ast.BasicLit)
		if !isLiteral || literal.Kind != token.STRING {
			continue
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "| `%s` | %s |\n", value, meaning(constant.Names[0].Name, constant.Doc.Text()))
	}
	return nil
}

// paragraph joins the lines of a comment.
func paragraph(text string) string { return strings.Join(strings.Fields(text), " ") }

// meaning is a comment without the name that it begins with.
func meaning(name, comment string) string {
	said := strings.TrimSpace(strings.TrimPrefix(paragraph(comment), name))
	said = strings.TrimSpace(strings.TrimLeft(said, ":,"))
	if said == "" {
		return said
	}
	return strings.ToUpper(said[:1]) + said[1:]
}
