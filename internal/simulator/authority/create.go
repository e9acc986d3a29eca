package authority

import (
	"cmp"
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
	// commonName is empty for one that is made of the name.
	commonName string
	// lowest marks a CA that may have no CA below it: pathLen 0.
	lowest bool
}

// blueprints come parents first. The RSA keys are those that the real service shows as RSA; the rest is ECDSA,
// which is generated a thousand times faster. kept ones survive a restart when there is a data directory.
var blueprints = []blueprint{
	{
		name: "issuance-root", pair: func(a *Authorities) *Pair { return &a.IssuanceRoot },
		generate: generateECDSA, kept: true,
	},
	{
		name: "issuance", pair: func(a *Authorities) *Pair { return &a.Issuance },
		parent: func(a *Authorities) *Pair { return &a.IssuanceRoot }, generate: generateRSA, kept: true,
	},
	{
		name: "responses-root", pair: func(a *Authorities) *Pair { return &a.ResponseRoot },
		generate: generateECDSA, kept: true,
	},
	{
		name: "responses", pair: func(a *Authorities) *Pair { return &a.Responses },
		parent: func(a *Authorities) *Pair { return &a.ResponseRoot }, generate: generateECDSA, kept: true,
	},
	{
		name: "signer", pair: func(a *Authorities) *Pair { return &a.Signer },
		parent: func(a *Authorities) *Pair { return &a.Responses }, generate: generateRSA, signer: true,
	},
	{
		name: "tls-root", pair: func(a *Authorities) *Pair { return &a.TLSRoot },
		generate: generateECDSA, kept: true,
	},
	{name: "stranger-ca", pair: func(a *Authorities) *Pair { return &a.StrangerCA }, generate: generateECDSA},
}

// Create makes all hierarchies but DVV's, valid from 30 days before now. It takes a fraction of a second, for two RSA
// keys.
func Create(now time.Time) (*Authorities, error) {
	authorities := &Authorities{}
	authorities.prepareDVV = sync.OnceValue(func() error { return authorities.complete(dvvBlueprints, now) })
	if err := authorities.complete(blueprints, now); err != nil {
		return nil, err
	}
	return authorities, nil
}

// complete makes every planned pair that is still empty.
func (a *Authorities) complete(plans []blueprint, now time.Time) error {
	if err := a.generateKeys(plans); err != nil {
		return err
	}
	for _, plan := range plans {
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
		certificate, err := signer.Sign(template, pair.Key.Public())
		if err != nil {
			return fmt.Errorf("signing the certificate of the authority %s: %w", plan.name, err)
		}
		pair.Certificate = certificate
	}
	return nil
}

// generateKeys makes the missing keys at the same time.
func (a *Authorities) generateKeys(plans []blueprint) error {
	failures := make([]error, len(plans))
	var group sync.WaitGroup
	for index, plan := range plans {
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
	certificate, err := a.StrangerCA.Sign(blueprint{name: "stranger", signer: true}.template(now), key.Public())
	if err != nil {
		return Pair{}, fmt.Errorf("signing the certificate of a stranger: %w", err)
	}
	return Pair{Certificate: certificate, Key: key}, nil
}

func (p blueprint) template(now time.Time) *x509.Certificate {
	template := &x509.Certificate{
		Subject: pkix.Name{
			CommonName: cmp.Or(p.commonName, "Simulator "+p.name), Organization: []string{organization}, Country: []string{"FI"},
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
	template.MaxPathLenZero = p.lowest
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
