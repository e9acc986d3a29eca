package requirements

import (
	"crypto/x509"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// keyUsages and extKeyUsages are what cert-manager's usages are in a certificate. cert-manager's own tables are in a
// package that links the logging of a Kubernetes component with it: zap, OpenTelemetry, component-base.
var (
	keyUsages = map[cmapi.KeyUsage]x509.KeyUsage{
		cmapi.UsageSigning:           x509.KeyUsageDigitalSignature,
		cmapi.UsageDigitalSignature:  x509.KeyUsageDigitalSignature,
		cmapi.UsageContentCommitment: x509.KeyUsageContentCommitment,
		cmapi.UsageKeyEncipherment:   x509.KeyUsageKeyEncipherment,
		cmapi.UsageKeyAgreement:      x509.KeyUsageKeyAgreement,
		cmapi.UsageDataEncipherment:  x509.KeyUsageDataEncipherment,
		cmapi.UsageCertSign:          x509.KeyUsageCertSign,
		cmapi.UsageCRLSign:           x509.KeyUsageCRLSign,
		cmapi.UsageEncipherOnly:      x509.KeyUsageEncipherOnly,
		cmapi.UsageDecipherOnly:      x509.KeyUsageDecipherOnly,
	}
	extKeyUsages = map[cmapi.KeyUsage]x509.ExtKeyUsage{
		cmapi.UsageAny:             x509.ExtKeyUsageAny,
		cmapi.UsageServerAuth:      x509.ExtKeyUsageServerAuth,
		cmapi.UsageClientAuth:      x509.ExtKeyUsageClientAuth,
		cmapi.UsageCodeSigning:     x509.ExtKeyUsageCodeSigning,
		cmapi.UsageEmailProtection: x509.ExtKeyUsageEmailProtection,
		cmapi.UsageSMIME:           x509.ExtKeyUsageEmailProtection,
		cmapi.UsageIPsecEndSystem:  x509.ExtKeyUsageIPSECEndSystem,
		cmapi.UsageIPsecTunnel:     x509.ExtKeyUsageIPSECTunnel,
		cmapi.UsageIPsecUser:       x509.ExtKeyUsageIPSECUser,
		cmapi.UsageTimestamping:    x509.ExtKeyUsageTimeStamping,
		cmapi.UsageOCSPSigning:     x509.ExtKeyUsageOCSPSigning,
		cmapi.UsageMicrosoftSGC:    x509.ExtKeyUsageMicrosoftServerGatedCrypto,
		cmapi.UsageNetscapeSGC:     x509.ExtKeyUsageNetscapeServerGatedCrypto,
	}
)

// usagesOf are the usages that a request asks for; cert-manager's defaults where it names none.
func usagesOf(request *cmapi.CertificateRequest) (x509.KeyUsage, []x509.ExtKeyUsage) {
	usages := request.Spec.Usages
	if len(usages) == 0 {
		usages = cmapi.DefaultKeyUsages()
	}
	var usage x509.KeyUsage
	var extended []x509.ExtKeyUsage
	for _, wanted := range usages {
		if bits, is := keyUsages[wanted]; is {
			usage |= bits
		} else if purpose, is := extKeyUsages[wanted]; is {
			extended = append(extended, purpose)
		}
	}
	return usage, extended
}
