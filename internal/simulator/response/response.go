// Package response writes what the service answers: signed payloads inside SOAP 1.1 envelopes, in every variant
// that real services have been seen to write, and SOAP faults.
package response

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// declaration is the XML declaration of the variants that have one.
const declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Content is the content of a response (interface description 3.2, 3.4, 3.6).
type Content struct {
	// Operation is the one that is answered.
	Operation protocol.Operation
	// RetrievalID is the response to SignNewCertificate and RenewCertificate; empty when the response is a problem.
	RetrievalID string
	// Certificate is the response to GetCertificate; nil when the response is a problem.
	Certificate *x509.Certificate
	// Problem makes the Status FAIL; nil means OK.
	Problem *protocol.Problem
}

// Render writes the response as a SOAP message: the payload is built, signed as a document of its own, and only then
// put into the envelope, as the real service does. Without a signer (nil) the response is unsigned.
func Render(content Content, variant Variant, signer *Signer) ([]byte, error) {
	payload := payloadOf(content, variant)
	if signer != nil {
		if err := signer.sign(payload, variant); err != nil {
			return nil, fmt.Errorf("signing the %s: %w", content.Operation.ResponseElement(), err)
		}
	}
	return wrap(payload, variant), nil
}

// payloadOf builds the unsigned payload.
func payloadOf(content Content, variant Variant) *xmltree.Element {
	root := xmltree.New(variant.payloadPrefix(), content.Operation.ResponseElement())
	root.Declare(variant.payloadPrefix(), protocol.Namespace)
	if variant.UnusedDeclarations {
		root.Declare("xs", "http://www.w3.org/2001/XMLSchema").Declare("xsi", protocol.InstanceNamespace)
	}
	fields := []*xmltree.Element{resultOf(content.Problem)}
	switch {
	case content.Problem != nil:
	case content.Certificate != nil:
		certificate := xmltree.NewText("", "Certificate", variant.base64(certificateBytes(content.Certificate, variant)))
		fields = append([]*xmltree.Element{certificate}, fields...)
	case content.RetrievalID != "":
		fields = append([]*xmltree.Element{xmltree.NewText("", "RetrievalId", content.RetrievalID)}, fields...)
	}
	for _, field := range fields {
		if variant.DefaultNamespace {
			field.Declare("", "")
		}
		if variant.Comments {
			root.Append(xmltree.Comment(" " + field.Local + " "))
		}
		root.Append(field)
	}
	if variant.Indented {
		indent(root, 1)
	}
	return root
}

func resultOf(problem *protocol.Problem) *xmltree.Element {
	if problem == nil {
		return xmltree.New("", "Result", xmltree.NewText("", "Status", protocol.StatusOK))
	}
	return xmltree.New("", "Result",
		xmltree.NewText("", "Status", protocol.StatusFail),
		xmltree.New("", "ErrorInfo",
			xmltree.NewText("", "ErrorCode", problem.Code),
			xmltree.NewText("", "ErrorMessage", problem.Message)))
}

func certificateBytes(certificate *x509.Certificate, variant Variant) []byte {
	if variant.PEMCertificate {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	}
	return certificate.Raw
}

// wrap puts a finished payload into an envelope.
func wrap(payload *xmltree.Element, variant Variant) []byte {
	prefix := variant.envelopePrefix()
	envelope := xmltree.New(prefix, "Envelope").Declare(prefix, protocol.SOAPNamespace)
	if variant.HoistedPrefix {
		payload.Declarations = payload.Declarations[1:]
		envelope.Declare(payload.Prefix, protocol.Namespace)
	}
	if variant.EmptyHeader {
		envelope.Append(xmltree.New(prefix, "Header"))
	}
	envelope.Append(xmltree.New(prefix, "Body", payload))
	document := envelope.Write()
	if variant.Declaration {
		return append([]byte(declaration), document...)
	}
	return document
}

// Fault writes a SOAP 1.1 Fault; code is one of SOAP's fault codes without a prefix.
func Fault(code, reason string) []byte {
	const prefix = "soapenv"
	fault := xmltree.New(prefix, "Fault",
		xmltree.NewText("", "faultcode", prefix+":"+code),
		xmltree.NewText("", "faultstring", reason))
	envelope := xmltree.New(prefix, "Envelope", xmltree.New(prefix, "Body", fault))
	return envelope.Declare(prefix, protocol.SOAPNamespace).Write()
}

// base64 encodes as the variant wraps lines.
func (v Variant) base64(data []byte) string {
	encoded := base64.StdEncoding.EncodeToString(data)
	if v.LineLength == 0 {
		return encoded
	}
	lineEnd := "\n"
	if v.CarriageReturns {
		lineEnd = "\r\n"
	}
	var lines []string
	for len(encoded) > v.LineLength {
		lines = append(lines, encoded[:v.LineLength])
		encoded = encoded[v.LineLength:]
	}
	return strings.Join(append(lines, encoded), lineEnd)
}

// indent puts every child element on a line of its own.
func indent(element *xmltree.Element, level int) {
	children := element.Children
	element.Children = nil
	hasElements := false
	for _, child := range children {
		if nested, ok := child.(*xmltree.Element); ok {
			hasElements = true
			element.Append(xmltree.Text("\n" + strings.Repeat("  ", level)))
			indent(nested, level+1)
		}
		element.Append(child)
	}
	if hasElements {
		element.Append(xmltree.Text("\n" + strings.Repeat("  ", level-1)))
	}
}
