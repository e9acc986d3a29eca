package ordertest

import (
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

// Issuer is one that is ready.
func Issuer() facts.Issuer {
	return facts.Issuer{
		Kind: v1alpha1.KindVeroIssuer, Name: "vero", Exists: true, Ready: true, Message: "fine",
		Environment: v1alpha1.VeroEnvironmentTest, CustomerID: Customer, Window: Window, Timeout: Timeout,
		Generation: Generation, TrustDigest: TrustDigest,
	}
}

// Missing makes an issuer one that does not exist.
func Missing(i *facts.Issuer) { *i = facts.Issuer{Kind: i.Kind, Name: i.Name} }

// Unready makes an issuer one that is not ready.
func Unready(i *facts.Issuer) { i.Ready, i.Message = false, "no connection" }

// OtherCustomer makes an issuer one of another customer.
func OtherCustomer(i *facts.Issuer) { i.CustomerID = "7654321-0" }

// Production makes an issuer one of the other environment.
func Production(i *facts.Issuer) { i.Environment = v1alpha1.VeroEnvironmentProduction }

// Credentials are those that the orders are made with.
func Credentials() facts.Transfer {
	return facts.Transfer{SecretName: "vero-transfer", IDDigest: TransferID, Fingerprint: Password}
}

// NewPassword are Credentials with another password.
func NewPassword() facts.Transfer {
	credentials := Credentials()
	credentials.Fingerprint = "bbbb"
	return credentials
}

// NewCredentials are others in the place of Credentials.
func NewCredentials() facts.Transfer {
	credentials := Credentials()
	credentials.IDDigest = "digest-of-another-transfer-id"
	return credentials
}

// NoCredentials are none in the place of Credentials.
func NoCredentials() facts.Transfer {
	return facts.Transfer{SecretName: "vero-transfer", Problem: "Secret vero-transfer does not exist"}
}

// CurrentUntil is a usable certificate with the serial number abc.
func CurrentUntil(notAfter time.Time) facts.Current {
	return facts.Current{SecretName: "tls", SerialNumber: "abc", NotAfter: notAfter}
}
