package facts

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// Current is what a decision needs to know of the certificate that is in use.
type Current struct {
	// SecretName is where it is; empty if no Certificate stands behind the request.
	SecretName string
	// SerialNumber in lower-case hexadecimal; empty if there is no certificate.
	SerialNumber string
	// Absent reports whether there is no certificate yet, which is what a first request finds.
	Absent bool
	// NotOurs says, of the Secret, why cert-manager takes the certificate for one of another issuer than the request
	// names; empty if it does not. It is said after "the Secret".
	NotOurs string
	// Unreadable reports whether cert-manager does not read it as it is, so that its Certificate never becomes Ready.
	Unreadable bool
	// NotAfter is when it expires.
	NotAfter time.Time
	// Problem says why it cannot be renewed; empty if it can: it is within its dates, its common name is the
	// customer id, it chains to the issuance trust, and its key is there.
	Problem string
	// Unproven reports whether all that keeps the certificate from being renewed is that it does not chain to the
	// issuance trust. A mistake in the trust looks the same as a certificate of somebody else.
	Unproven bool
}

// Usable reports whether the certificate can sign a renewal, as far as can be seen from here.
func (c Current) Usable() bool { return c.SerialNumber != "" && c.Problem == "" }

// SerialNumber is a certificate's serial number as orders write it.
func SerialNumber(certificate *x509.Certificate) string {
	return fmt.Sprintf("%x", certificate.SerialNumber)
}

// Leaf is the certificate that an order has borne.
func Leaf(order *v1alpha1.VeroOrder) (*x509.Certificate, error) {
	block, _ := pem.Decode(order.Status.Certificate)
	if block == nil {
		return nil, errors.New("status.certificate holds no PEM block")
	}
	return x509.ParseCertificate(block.Bytes)
}

// Examine judges the certificate in a Secret. A leaf of nil stands for none; problem then says why. With the zero
// Trust, for want of bundles, no certificate is usable, but its serial number is told all the same. A temporary
// certificate of cert-manager counts for none.
func Examine(
	secretName string, leaf *x509.Certificate, problem, customerID string, trust pki.Trust, now time.Time,
) Current {
	current := Current{SecretName: secretName, Problem: problem}
	if leaf == nil {
		return current
	}
	if pki.IsTemporary(leaf) {
		current.Absent = true
		current.Problem = fmt.Sprintf("Secret %s holds cert-manager's temporary certificate only", secretName)
		return current
	}
	current.SerialNumber, current.NotAfter = SerialNumber(leaf), leaf.NotAfter
	if leaf.Subject.CommonName != customerID {
		current.Problem = fmt.Sprintf("the certificate in Secret %s is for %q, not for the issuer's customerID %q",
			secretName, leaf.Subject.CommonName, customerID)
		return current
	}
	if _, isRSA := leaf.PublicKey.(*rsa.PublicKey); !isRSA {
		current.Problem = fmt.Sprintf("the certificate in Secret %s has a %s key, and renewals are signed with RSA",
			secretName, leaf.PublicKeyAlgorithm)
		return current
	}
	if _, err := trust.Chain(leaf, pki.VerificationTime(leaf, now)); err != nil {
		current.Problem = fmt.Sprintf("the certificate in Secret %s cannot be renewed: %v", secretName, err)
		if chain, ok := errors.AsType[*pki.ChainError](err); ok {
			current.Unproven = chain.Err != nil && !pki.SelfIssued(leaf) // else its own dates, or its issuer, decide
			current.Problem += unknownAuthority(leaf, chain)
		}
	}
	return current
}

// unknownAuthority says what to do about a certificate whose authority the issuance trust does not know.
func unknownAuthority(leaf *x509.Certificate, chain *pki.ChainError) string {
	if chain.Reason != pki.ChainUnknownAuthority {
		return ""
	}
	return fmt.Sprintf("; its issuer is %s: put that authority into spec.trust.issuance of the issuer if, and only if, "+
		"the service's owner has published it", pki.DescribeIssuer(leaf))
}
