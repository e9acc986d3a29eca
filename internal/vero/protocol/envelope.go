package protocol

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/beevik/etree"
)

// soapNamespace is SOAP 1.1's (docs/protocol.md, Transport).
const soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/"

// Wrap moves a payload into a SOAP 1.1 envelope and writes the document, UTF-8 without BOM. The payload keeps its own
// declarations, so a signature inside stays valid. A document with a sequence that the service forbids anywhere (seed
// 004, 1.3) is refused here with a *FieldError, whatever brought it in.
func Wrap(payload *etree.Element) ([]byte, error) {
	document := etree.NewDocument()
	// Not canonical text: the service wants quotation marks and apostrophes in text as entities (interface description
	// 1.3). That changes no signature, which is made over what entities stand for.
	document.WriteSettings = etree.WriteSettings{CanonicalAttrVal: true, CanonicalEndTags: true}
	document.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	envelope := document.CreateElement("soapenv:Envelope")
	envelope.CreateAttr("xmlns:soapenv", soapNamespace)
	envelope.CreateElement("soapenv:Body").AddChild(payload)
	written, err := document.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("write the SOAP envelope: %w", err)
	}
	for _, sequence := range forbidden {
		if bytes.Contains(written, []byte(sequence)) {
			return nil, unfit("contains " + sequence)
		}
	}
	// A reader would take a line feed for it, and the signature of a renewal for broken.
	if bytes.ContainsRune(written, '\r') {
		return nil, unfit("contains a carriage return")
	}
	return written, nil
}

func unfit(problem string) *FieldError {
	return &FieldError{
		Field: "message", Problem: problem, Remedy: "the certificate service refuses messages with it; remove it",
	}
}

// Unwrap is the one element in the Body of a SOAP 1.1 envelope, still in its place, so that what the envelope
// declares can be looked up. A SOAP Fault comes as *FaultError, anything else that is not an envelope with one
// payload as *ResponseError.
func Unwrap(document *etree.Document) (*etree.Element, error) {
	envelope := document.Root()
	if envelope == nil || !is(envelope, soapNamespace, "Envelope") {
		return nil, responseErrorf("its root is %s, not a SOAP 1.1 Envelope", nameOf(envelope, "Envelope"))
	}
	body, err := bodyOf(envelope)
	if err != nil {
		return nil, err
	}
	children := body.ChildElements()
	if len(children) != 1 {
		return nil, responseErrorf("the Body of its envelope has %d elements instead of one", len(children))
	}
	if is(children[0], soapNamespace, "Fault") {
		return nil, readFault(children[0])
	}
	return children[0], nil
}

// bodyOf is the Body of an envelope of at most one Header and one Body, in that order.
func bodyOf(envelope *etree.Element) (*etree.Element, error) {
	children := envelope.ChildElements()
	if len(children) > 0 && is(children[0], soapNamespace, "Header") {
		children = children[1:]
	}
	if len(children) != 1 || !is(children[0], soapNamespace, "Body") {
		return nil, responseErrorf("its envelope does not hold exactly one Body after an optional Header")
	}
	return children[0], nil
}

func readFault(fault *etree.Element) *FaultError {
	return &FaultError{Code: clip(childText(fault, "faultcode"), longestName), Text: childText(fault, "faultstring")}
}

// childText is the printable text of the first child of that local name, empty if there is none.
func childText(parent *etree.Element, name string) string {
	for _, child := range parent.ChildElements() {
		if child.Tag == name {
			return printable(textOf(child))
		}
	}
	return ""
}

// textOf is the text of an element, without that of elements in it.
func textOf(element *etree.Element) string {
	var texts []string
	for _, token := range element.Child {
		if data, ok := token.(*etree.CharData); ok {
			texts = append(texts, data.Data)
		}
	}
	return strings.TrimSpace(strings.Join(texts, "")) // mostly one, which is not copied
}

func is(element *etree.Element, namespace, name string) bool {
	return element.Tag == name && element.NamespaceURI() == namespace
}

// nameOf names an element that is not the one of that local name that was expected: with its prefix, and with its
// namespace where that is all the difference.
func nameOf(element *etree.Element, expected string) string {
	if element == nil {
		return "missing"
	}
	name := clip(printable(element.FullTag()), longestName)
	if element.Tag == expected {
		name += fmt.Sprintf(" of the namespace %q", clip(printable(element.NamespaceURI()), longestName))
	}
	return name
}

// longestName bounds what an error repeats of names that the other side has chosen.
const longestName = 100

// longestRead bounds what is read, in bytes, of a text that will be clipped: anybody can send a megabyte.
const longestRead = 16 << 10

// printable makes a text of the other side fit for a message: one line, no control characters, of bounded length.
func printable(text string) string {
	if len(text) > longestRead {
		text = text[:longestRead] + "…"
	}
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))), " ")
	return clip(text, maxErrorMessage)
}

// clip bounds a text to a number of characters. It reads no more of it than that.
func clip(text string, longest int) string {
	count := 0
	for index := range text {
		if count == longest {
			return text[:index] + "…"
		}
		count++
	}
	return text
}
