package request

import (
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// decode checks the payload against the schema and reads its fields.
func decode(payload *xmltree.Element) (*Request, *Fault) {
	for _, operation := range protocol.Operations() {
		if !payload.Is(protocol.Namespace, operation.RequestElement()) {
			continue
		}
		if fault := messages[operation].check(payload); fault != nil {
			return nil, fault
		}
		return read(operation, payload), nil
	}
	return nil, clientFault("the service has no operation for the message %s (namespace %q)",
		payload.Local, payload.Namespace())
}

// read takes the fields of a payload that has passed the schema.
func read(operation protocol.Operation, payload *xmltree.Element) *Request {
	text := func(local string) string {
		if child := payload.Child("", local); child != nil {
			return normalized(child.Text())
		}
		return ""
	}
	// The schema has checked the encoding already; an absent field gives nil.
	der, _ := decodeBase64(text("CertificateRequest"))
	return &Request{
		Operation:          operation,
		Environment:        text("Environment"),
		CustomerID:         text("CustomerId"),
		CustomerName:       text("CustomerName"),
		TransferID:         text("TransferId"),
		TransferPassword:   text("TransferPassword"),
		CertificateRequest: der,
		RetrievalID:        text("RetrievalId"),
		payload:            payload,
	}
}
