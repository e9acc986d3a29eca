package delivery

import (
	"crypto/x509"
	"slices"
)

// Names of usages as spec.usages of a Certificate writes them.
var (
	keyUsages = []struct {
		bit  x509.KeyUsage
		name string
	}{
		{x509.KeyUsageDigitalSignature, "digital signature"}, {x509.KeyUsageContentCommitment, "content commitment"},
		{x509.KeyUsageKeyEncipherment, "key encipherment"}, {x509.KeyUsageDataEncipherment, "data encipherment"},
		{x509.KeyUsageKeyAgreement, "key agreement"}, {x509.KeyUsageCertSign, "cert sign"},
		{x509.KeyUsageCRLSign, "crl sign"}, {x509.KeyUsageEncipherOnly, "encipher only"},
		{x509.KeyUsageDecipherOnly, "decipher only"},
	}
	extendedKeyUsages = map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageAny: "any", x509.ExtKeyUsageServerAuth: "server auth", x509.ExtKeyUsageClientAuth: "client auth",
		x509.ExtKeyUsageCodeSigning: "code signing", x509.ExtKeyUsageEmailProtection: "email protection",
		x509.ExtKeyUsageIPSECEndSystem: "ipsec end system", x509.ExtKeyUsageIPSECTunnel: "ipsec tunnel",
		x509.ExtKeyUsageIPSECUser: "ipsec user", x509.ExtKeyUsageTimeStamping: "timestamping",
		x509.ExtKeyUsageOCSPSigning: "ocsp signing", x509.ExtKeyUsageMicrosoftServerGatedCrypto: "microsoft sgc",
		x509.ExtKeyUsageNetscapeServerGatedCrypto: "netscape sgc",
	}
)

// missingUsages are those that were requested and that the certificate is not for. Without the extension that says what
// it is for, a certificate is for everything (RFC 5280, 4.2.1.3 and 4.2.1.12).
func missingUsages(leaf *x509.Certificate, order Order) []string {
	var missing []string
	for _, usage := range keyUsages {
		if leaf.KeyUsage != 0 && order.KeyUsage&usage.bit != 0 && leaf.KeyUsage&usage.bit == 0 {
			missing = append(missing, usage.name)
		}
	}
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return missing
	}
	for _, usage := range order.ExtKeyUsages {
		if !slices.Contains(leaf.ExtKeyUsage, usage) {
			missing = append(missing, extendedKeyUsages[usage])
		}
	}
	return missing
}
