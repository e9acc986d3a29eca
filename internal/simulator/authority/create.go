package authority

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// wallClockMargin is how far TLS certificates reach into the past and the future: the TLS stack of a client looks
// at the wall clock, while the simulator's own clock may be injected and years away from it.
const wallClockMargin = 20 * 365 * 24 * time.Hour

// backdating keeps CA certificates valid for clients whose clock is behind, and for the expired certificates that a
// fault hands out: nothing else shall be wrong with those.
const backdating = 30 * 24 * time.Hour

// blueprint describes one certificate to make: every level but the leaves of a customer or a server.
type blueprint struct {
	name     string
	pair     func(*Authorities) *Pair
	parent   func(*Authorities) *Pair
	generate func() (crypto.Signer, error)
	signer   bool
	kept     bool
}

// blueprints come parents first. The RSA keys are those that the real service shows as RSA; the rest is ECDSA,
// which is generated a thousand times faster. kept ones survive a restart when there is a data directory.
var blueprints = []blueprint{
	{"issuance-root", func(a *Authorities) *Pair { return &a.IssuanceRoot }, nil, generateECDSA, false, true},
	{"issuance", func(a *Authorities) *Pair { return &a.Issuance },
		func(a *Authorities) *Pair { return &a.IssuanceRoot }, generateRSA, false, true},
	{"responses-root", func(a *Authorities) *Pair { return &a.ResponseRoot }, nil, generateECDSA, false, true},
	{"responses", func(a *Authorities) *Pair { return &a.Responses },
		func(a *Authorities) *Pair { return &a.ResponseRoot }, generateECDSA, false, true},
	{"signer", func(a *Authorities) *Pair { return &a.Signer },
		func(a *Authorities) *Pair { return &a.Responses }, generateRSA, true, false},
	{"tls-root", func(a *Authorities) *Pair { return &a.TLSRoot }, nil, generateECDSA, false, true},
	{"stranger-ca", func(a *Authorities) *Pair { return &a.StrangerCA }, nil, generateECDSA, false, false},
}

// Create makes all hierarchies, valid from 30 days before now. It takes a fraction of a second, for two RSA keys.
func Create(now time.Time) (*Authorities, error) {
	authorities := &Authorities{}
	if err := authorities.complete(now); err != nil {
		return nil, err
	}
	return authorities, nil
}

// complete makes every pair that is still empty.
func (a *Authorities) complete(now time.Time) error {
	if err := a.generateKeys(); err != nil {
		return err
	}
	for _, plan := range blueprints {
		pair := plan.pair(a)
		if pair.Certificate != nil {
			continue
		}
		parent := pair
		if plan.parent != nil {
			parent = plan.parent(a)
		}
		template := plan.template(now)
		signer := *parent
		if plan.parent == nil {
			signer.Certificate = template
		}
		certificate, err := signer.sign(template, pair.Key.Public())
		if err != nil {
			return fmt.Errorf("signing the certificate of the authority %s: %w", plan.name, err)
		}
		pair.Certificate = certificate
	}
	return nil
}

// generateKeys makes the missing keys at the same time.
func (a *Authorities) generateKeys() error {
	failures := make([]error, len(blueprints))
	var group sync.WaitGroup
	for index, plan := range blueprints {
		pair := plan.pair(a)
		if pair.Key != nil {
			continue
		}
		group.Go(func() {
			key, err := plan.generate()
			if err != nil {
				failures[index] = fmt.Errorf("generating the key of the authority %s: %w", plan.name, err)
				return
			}
			pair.Key = key
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

// StrangerSigner makes a certificate like that of Signer, from StrangerCA.
func (a *Authorities) StrangerSigner(now time.Time) (Pair, error) {
	key, err := generateRSA()
	if err != nil {
		return Pair{}, fmt.Errorf("generating the key of a stranger: %w", err)
	}
	certificate, err := a.StrangerCA.sign(blueprint{name: "stranger", signer: true}.template(now), key.Public())
	if err != nil {
		return Pair{}, fmt.Errorf("signing the certificate of a stranger: %w", err)
	}
	return Pair{Certificate: certificate, Key: key}, nil
}

func (p blueprint) template(now time.Time) *x509.Certificate {
	template := &x509.Certificate{
		Subject: pkix.Name{
			CommonName: "Simulator " + p.name, Organization: []string{organization}, Country: []string{"FI"},
		},
		NotBefore: now.Add(-backdating),
		NotAfter:  now.Add(lifetime),
	}
	if p.name == "tls-root" {
		template.NotBefore = now.Add(-wallClockMargin)
	}
	if p.signer {
		template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
		return template
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return template
}

// addNames files host names and addresses as subject alternative names.
func addNames(template *x509.Certificate, names []string) {
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
}
