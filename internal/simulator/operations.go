package simulator

import (
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/request"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
)

// defaultCustomerName is the organization of a certificate when neither the credentials nor the message name one.
const defaultCustomerName = "Esimerkki Oy"

// process does what a request asks for, at the time now, and fills the entry of the request log.
func (s *Simulator) process(asked *request.Request, now time.Time, entry *admin.Request) response.Content {
	content := response.Content{Operation: asked.Operation}
	var problem *protocol.Problem
	switch {
	case asked.Environment != s.options.Environment:
		problem = protocol.WrongEnvironment(fmt.Sprintf("the message says %s, this is %s",
			asked.Environment, s.options.Environment))
	case asked.Operation == protocol.SignNewCertificate:
		content.RetrievalID, problem = s.signNew(asked, now, entry)
	case asked.Operation == protocol.RenewCertificate:
		content.RetrievalID, problem = s.renew(asked, now, entry)
	default:
		content.Certificate, problem = s.fetch(asked, now)
	}
	if content.RetrievalID != "" {
		entry.RetrievalID = content.RetrievalID
	}
	if content.Certificate != nil {
		entry.CertificateSerial = serialOf(content.Certificate)
	}
	content.Problem = problem
	return content
}

// signNew handles SignNewCertificate (interface description 3.1).
func (s *Simulator) signNew(
	asked *request.Request, now time.Time, entry *admin.Request,
) (string, *protocol.Problem) {
	credential, problem := s.credentials.check(asked, now)
	deferred := problem != nil && credential != nil && credential.SurfaceAtGet
	if problem != nil && !deferred {
		return "", problem
	}
	key, err := authority.ParseRequest(asked.CertificateRequest)
	if err != nil {
		return "", protocol.InvalidCertificateRequest(err.Error())
	}
	entry.PublicKeyDigest = keyDigest(key)
	if deferred {
		entry.Detail = "surfaces at GetCertificate: " + problem.Detail
		return s.orders.add(order{
			customerID: asked.CustomerID, operation: asked.Operation, acceptedAt: now, problem: problem,
		}), nil
	}
	name := cmp.Or(credential.CustomerName, asked.CustomerName, defaultCustomerName)
	certificate, err := s.issue(asked.CustomerID, name, key, now)
	if err != nil {
		return "", protocol.Technical(err.Error())
	}
	// Spending comes last: what has been refused until here leaves the credentials usable.
	if problem := s.credentials.spend(asked, now); problem != nil {
		return "", problem
	}
	return s.accept(asked, certificate, now, entry), nil
}

// renew handles RenewCertificate (interface description 3.3). The order of the checks is that of the codes'
// meanings: a signature that does not verify says nothing about the certificate beside it.
func (s *Simulator) renew(
	asked *request.Request, now time.Time, entry *admin.Request,
) (string, *protocol.Problem) {
	signer, err := asked.VerifySignature()
	if errors.Is(err, request.ErrSignerUnreadable) {
		return "", protocol.CertificateNotRenewable(err.Error())
	}
	if err != nil {
		return "", protocol.SignatureInvalid(err.Error())
	}
	entry.SignerSerial = serialOf(signer)
	if problem := s.renewable(signer, asked.CustomerID, now); problem != nil {
		return "", problem
	}
	key, err := authority.ParseRequest(asked.CertificateRequest)
	if err != nil {
		return "", protocol.InvalidCertificateRequest(err.Error())
	}
	entry.PublicKeyDigest = keyDigest(key)
	certificate, err := s.issue(asked.CustomerID, organizationOf(signer), key, now)
	if err != nil {
		return "", protocol.Technical(err.Error())
	}
	return s.accept(asked, certificate, now, entry), nil
}

// renewable says whether the signing certificate of a renewal may be renewed now.
func (s *Simulator) renewable(signer *x509.Certificate, customerID string, now time.Time) *protocol.Problem {
	serial := serialOf(signer)
	switch {
	case !s.authorities.IssuedHere(signer):
		return protocol.CertificateNotRenewable("the signing certificate " + serial + " was not issued here")
	case signer.Subject.CommonName != customerID:
		return protocol.SignatureInvalid(fmt.Sprintf("the signing certificate %s belongs to another customer than %s",
			serial, customerID))
	case now.Before(signer.NotBefore) || now.After(signer.NotAfter):
		return protocol.CertificateNotRenewable(fmt.Sprintf("the signing certificate %s is valid from %s to %s",
			serial, signer.NotBefore.Format(time.RFC3339), signer.NotAfter.Format(time.RFC3339)))
	case s.orders.isRevoked(signer):
		return protocol.CertificateNotRenewable("the signing certificate " + serial + " is revoked")
	}
	if opens := signer.NotAfter.Add(-s.options.RenewalWindow); now.Before(opens) {
		return protocol.RenewalTooEarly(fmt.Sprintf("the certificate %s can be renewed from %s",
			serial, opens.Format(time.RFC3339)))
	}
	return nil
}

// fetch handles GetCertificate (interface description 3.5).
func (s *Simulator) fetch(asked *request.Request, now time.Time) (*x509.Certificate, *protocol.Problem) {
	found, known := s.orders.find(asked.RetrievalID)
	if !known {
		return nil, protocol.Technical(fmt.Sprintf("RetrievalId %s is unknown", asked.RetrievalID))
	}
	if found.customerID != asked.CustomerID {
		return nil, protocol.InvalidCredentials(fmt.Sprintf("RetrievalId %s belongs to another customer than %s",
			asked.RetrievalID, asked.CustomerID))
	}
	if problem := found.ready(now, s.options.MinimumRetrievalDelay, s.options.ProcessingDelay); problem != nil {
		return nil, problem
	}
	return found.certificate, nil
}

// issue makes the certificate that will be there when the order is processed.
func (s *Simulator) issue(
	customerID, customerName string, key *rsa.PublicKey, now time.Time,
) (*x509.Certificate, error) {
	start := now.Add(s.options.ProcessingDelay).Truncate(time.Second)
	return s.authorities.Issue(authority.Customer{
		ID: customerID, Name: customerName, PublicKey: key, NotBefore: start, NotAfter: start.Add(s.options.Validity),
	})
}

func (s *Simulator) accept(
	asked *request.Request, certificate *x509.Certificate, now time.Time, entry *admin.Request,
) string {
	entry.CertificateSerial = serialOf(certificate)
	return s.orders.add(order{
		customerID: asked.CustomerID, operation: asked.Operation, acceptedAt: now, certificate: certificate,
	})
}

// organizationOf is the one that a certificate issued here names.
func organizationOf(certificate *x509.Certificate) string {
	return cmp.Or(certificate.Subject.Organization...)
}
