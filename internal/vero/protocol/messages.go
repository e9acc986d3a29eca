package protocol

import (
	"encoding/base64"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/pasted"
)

// Party is who asks, in every message.
type Party struct {
	// Environment must be that of the service.
	Environment Environment
	// CustomerID is the organization's official identifier.
	CustomerID string
	// CustomerName is optional; it helps the service to find faults.
	CustomerName string
}

// check is the rules of the fields that all messages share, and those of the message's own.
func (p Party) check(own ...error) error {
	return together(append([]error{
		checkEnvironment(p.Environment), CheckCustomerID(p.CustomerID), CheckCustomerName(p.CustomerName),
	}, own...)...)
}

// SignNew asks for a certificate with transfer credentials (interface description 3.1).
type SignNew struct {
	Party
	// TransferID and TransferPassword work once.
	TransferID       string
	TransferPassword Password
	// CSR is the PKCS#10 request in DER.
	CSR []byte
}

// Renew asks for a certificate in the name of the one that is about to expire (interface description 3.3). Its payload
// has to be signed before it is sent.
type Renew struct {
	Party
	// CSR is the PKCS#10 request in DER.
	CSR []byte
}

// Get asks for the certificate that SignNew or Renew has started (interface description 3.5).
type Get struct {
	Party
	// RetrievalID is the receipt of the request.
	RetrievalID string
}

// Payload is the message as an element of its own, or every rule that the values break, as FieldErrors.
func (m *SignNew) Payload() (*etree.Element, error) {
	err := m.check(CheckTransferID(m.TransferID), CheckTransferPassword(m.TransferPassword), checkCSR(m.CSR))
	if err != nil {
		return nil, err
	}
	payload := m.payload(SignNewCertificate)
	add(payload, "TransferId", m.TransferID)
	add(payload, "TransferPassword", m.TransferPassword.Reveal())
	add(payload, "CertificateRequest", base64.StdEncoding.EncodeToString(m.CSR))
	return payload, nil
}

// Payload is the message as an element of its own, not yet signed, or every rule that the values break, as
// FieldErrors.
func (m *Renew) Payload() (*etree.Element, error) {
	if err := m.check(checkCSR(m.CSR)); err != nil {
		return nil, err
	}
	payload := m.payload(RenewCertificate)
	add(payload, "CertificateRequest", base64.StdEncoding.EncodeToString(m.CSR))
	return payload, nil
}

// Payload is the message as an element of its own, or every rule that the values break, as FieldErrors.
func (m *Get) Payload() (*etree.Element, error) {
	if err := m.check(CheckRetrievalID(m.RetrievalID)); err != nil {
		return nil, err
	}
	payload := m.payload(GetCertificate)
	add(payload, "RetrievalId", m.RetrievalID)
	return payload, nil
}

// payload is the beginning that all three share. The prefix is declared here, not on the envelope, so that a
// signature over the payload does not depend on where it is put. Only the root is qualified (docs/protocol.md,
// Transport).
func (p Party) payload(operation Operation) *etree.Element {
	root := etree.NewElement("ser:" + operation.request())
	root.CreateAttr("xmlns:ser", Namespace)
	add(root, "Environment", string(p.Environment))
	add(root, "CustomerId", p.CustomerID)
	if p.CustomerName != "" {
		add(root, "CustomerName", pasted.Normalize(p.CustomerName))
	}
	return root
}

func add(parent *etree.Element, name, value string) {
	parent.CreateElement(name).SetText(value)
}
