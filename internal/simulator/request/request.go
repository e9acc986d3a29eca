// Package request reads what clients send, as strictly as the interface description allows: the transport's
// headers, the SOAP 1.1 envelope, the schema, and the XML signature of a renewal.
package request

import (
	"bytes"
	"mime"
	"net/http"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// MaxBytes is the size of the largest request that is read: 1 MiB.
const MaxBytes = 1 << 20

// Request is a message that has passed the schema. Fields that an operation does not have are empty.
type Request struct {
	// Operation is the one that the payload asks for.
	Operation protocol.Operation
	// Environment, CustomerID and CustomerName are common to all; the name is optional.
	Environment, CustomerID, CustomerName string
	// TransferID and TransferPassword authorize SignNewCertificate.
	TransferID, TransferPassword string
	// CertificateRequest is the decoded PKCS#10 request of SignNewCertificate and RenewCertificate.
	CertificateRequest []byte
	// RetrievalID is what GetCertificate fetches.
	RetrievalID string

	payload *xmltree.Element
}

// CheckContentType says whether a Content-Type header is text/xml in UTF-8 (interface description 1.3).
func CheckContentType(header string) bool {
	media, parameters, err := mime.ParseMediaType(header)
	if err != nil || media != "text/xml" {
		return false
	}
	charset, given := parameters["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}

// Parse reads the body of a request; action is its SOAPAction header, which must be the operation's, in quotation
// marks. Every error is a *Fault.
func Parse(header http.Header, body []byte) (*Request, error) {
	if fault := checkForbidden(body); fault != nil {
		return nil, fault
	}
	root, err := xmltree.Parse(body, limits())
	if err != nil {
		return nil, clientFault("%s", err)
	}
	payload, fault := open(root)
	if fault != nil {
		return nil, fault
	}
	parsed, fault := decode(payload)
	if fault != nil {
		return nil, fault
	}
	if fault := checkAction(header, parsed.Operation); fault != nil {
		return nil, fault
	}
	return parsed, nil
}

func limits() xmltree.Limits {
	limits := xmltree.DefaultLimits()
	limits.Bytes = MaxBytes
	return limits
}

// checkForbidden refuses the sequences that must not occur anywhere in a document (interface description 1.3).
func checkForbidden(body []byte) *Fault {
	for _, sequence := range []string{"--", "/*", "&#"} {
		if at := bytes.Index(body, []byte(sequence)); at >= 0 {
			return clientFault("the document holds the forbidden sequence %s at byte %d", sequence, at)
		}
	}
	return nil
}

func checkAction(header http.Header, operation protocol.Operation) *Fault {
	wanted := `"` + operation.Action() + `"`
	values := header.Values("SOAPAction")
	if len(values) != 1 {
		return clientFault("the request has %d SOAPAction headers instead of one that says %s", len(values), wanted)
	}
	if values[0] != wanted {
		return clientFault("the SOAPAction header says %s, but %s belongs to the message %s",
			values[0], wanted, operation.RequestElement())
	}
	return nil
}

// open finds the payload in a SOAP 1.1 envelope: an optional Header, then a Body with exactly one element.
func open(root *xmltree.Element) (*xmltree.Element, *Fault) {
	if root.Local != "Envelope" {
		return nil, clientFault("the root element is %s, not a SOAP envelope", root.Local)
	}
	if root.Namespace() != protocol.SOAPNamespace {
		return nil, &Fault{Code: VersionMismatch, Reason: "the envelope is not one of SOAP 1.1"}
	}
	if hasText(root) {
		return nil, clientFault("the envelope holds text")
	}
	parts := root.Elements()
	if len(parts) > 0 && parts[0].Is(protocol.SOAPNamespace, "Header") {
		if fault := checkHeader(parts[0]); fault != nil {
			return nil, fault
		}
		parts = parts[1:]
	}
	if len(parts) != 1 || !parts[0].Is(protocol.SOAPNamespace, "Body") {
		return nil, clientFault("the envelope does not consist of an optional Header and one Body")
	}
	contents := parts[0].Elements()
	if len(contents) != 1 || hasText(parts[0]) {
		return nil, clientFault("the Body holds %d elements instead of one", len(contents))
	}
	return contents[0], nil
}

// checkHeader refuses header blocks that must be understood: the service defines none.
func checkHeader(header *xmltree.Element) *Fault {
	for _, block := range header.Elements() {
		for _, attribute := range block.Attributes {
			uri, _ := block.Resolve(attribute.Prefix)
			if attribute.Local == "mustUnderstand" && uri == protocol.SOAPNamespace && attribute.Value != "0" {
				return &Fault{Code: MustUnderstand, Reason: "the header block " + block.Local + " is not understood"}
			}
		}
	}
	return nil
}

func hasText(element *xmltree.Element) bool {
	return strings.Trim(element.Text(), " \t\r\n") != ""
}
