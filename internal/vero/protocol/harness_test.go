package protocol_test

import (
	"bytes"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

const (
	soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/"
	schemaPath    = "../../simulator/schema/CertificateServices.xsd"
)

// someRequest is the smallest certificate request that is one piece of DER; its content is of no interest here.
var someRequest = []byte{0x30, 0x03, 0x02, 0x01, 0x00}

// message is what the three kinds of messages have in common.
type message interface {
	Payload() (*etree.Element, error)
}

func party() protocol.Party {
	return protocol.Party{Environment: protocol.Test, CustomerID: "0123456-7", CustomerName: "Esimerkki Oy"}
}

func signNew() *protocol.SignNew {
	return &protocol.SignNew{
		Party: party(), TransferID: "A1B2C3D4E5", TransferPassword: protocol.NewPassword("s3cret"), CSR: someRequest,
	}
}

func renew() *protocol.Renew { return &protocol.Renew{Party: party(), CSR: someRequest} }

func get() *protocol.Get {
	return &protocol.Get{Party: party(), RetrievalID: "0f8fad5bd9cb469fa16570867728950e"}
}

// parse reads a document as a response is read.
func parse(t testing.TB, text string) *etree.Document {
	t.Helper()
	document, err := xmlsig.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return document
}

// written is an element as a document of its own.
func written(t testing.TB, element *etree.Element) []byte {
	t.Helper()
	var document bytes.Buffer
	settings := etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
	element.WriteTo(&document, &settings)
	return document.Bytes()
}

// payloadIn is the payload of a message in its envelope, as a document of its own.
func payloadIn(t testing.TB, message []byte) []byte {
	t.Helper()
	return written(t, must.Get(protocol.Unwrap(parse(t, string(message))))(t))
}
