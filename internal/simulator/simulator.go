// Package simulator is the certificate service as a program of ours: the three operations over TLS, with CAs of its
// own, faithful to the interface description, and with an admin interface that mints transfer credentials and scripts
// faults. It shares no code with the issuer, so that a mistake in one of the two shows.
//
// Beside it the admin interface plays DVV, from which a person orders certificates by hand: see package dvv. The
// service's listener has the Messages API of Suomi.fi, too, whose accounts and faults belong to the admin interface:
// see package messages.
//
// It is a means to rehearse and to test, NOT FOR PRODUCTION: it checks nobody's identity, its state is volatile, and
// whoever reaches its admin interface gets certificates.
//
// What an order answers is computed from facts, never stored:
//
//	SignNew/Renew ──OK──▶ acceptedAt ──min-retrieval-delay and processing-delay──▶ certificate, or the
//	                          │                                                   problem it was accepted with
//	                          └─ Get before that: PKI099
package simulator

import (
	cryptorand "crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/dvv"
	"github.com/varmenne/varmenne-issuer/internal/simulator/messages"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	"github.com/varmenne/varmenne-issuer/internal/simulator/script"
)

// Simulator is one certificate service with its CAs and its state. Its methods may be called at the same time.
type Simulator struct {
	options     Options
	clock       clock.Clock
	log         logr.Logger
	authorities *authority.Authorities
	server      tls.Certificate
	// signer signs responses.
	signer *response.Signer
	// stranger makes, once, the signer of a fault; its key takes a while, and few runs need it.
	stranger func() (*response.Signer, error)

	credentials *credentials
	orders      *orders
	requests    *requestLog
	gauge       *gauge
	faults      *script.Script[admin.Fault]
	responses   *lastResponses
	// dvv takes applications for certificates of another authority, which has no API.
	dvv *dvv.Service
	// messages is another API, of another owner, on the same listener.
	messages *messages.Service

	randomMutex sync.Mutex
	random      *rand.Rand

	adminHandler http.Handler
}

// New makes a simulator that does not listen anywhere: Handler, AdminHandler and TLSConfig are for a server of the
// caller's. Run is the same with listeners.
func New(options Options) (*Simulator, error) {
	if err := options.Validate(); err != nil {
		return nil, fmt.Errorf("the options of the simulator: %w", err)
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	s := &Simulator{
		options:     options,
		clock:       options.Clock,
		log:         options.Log,
		credentials: newCredentials(),
		orders:      newOrders(),
		requests:    &requestLog{},
		gauge:       &gauge{},
		responses:   &lastResponses{documents: map[protocol.Operation][]byte{}},
	}
	s.faults = &script.Script[admin.Fault]{Roll: s.percentile}
	if err := s.seed(); err != nil {
		return nil, err
	}
	if err := s.establish(); err != nil {
		return nil, err
	}
	s.dvv = dvv.New(dvv.Options{
		Clock: s.clock, Delay: options.MailDelay, Validity: options.Validity, Authorities: s.authorities.DVV,
	})
	s.messages = messages.New(messages.Options{
		Clock: s.clock, TokenLifetime: options.TokenLifetime, Roll: s.percentile, Log: s.log,
	})
	s.adminHandler = s.routes()
	return s, nil
}

// establish takes the CAs that it was given, loads them, or makes them.
func (s *Simulator) establish() error {
	now := s.clock.Now()
	var err error
	switch {
	case s.options.Authorities != nil:
		s.authorities = s.options.Authorities
	case s.options.DataDirectory != "":
		s.authorities, err = authority.Open(s.options.DataDirectory, now)
	default:
		s.authorities, err = authority.Create(now)
	}
	if err != nil {
		return fmt.Errorf("preparing the CAs of the simulator: %w", err)
	}
	s.server, err = s.authorities.Server(now, s.options.TLSNames)
	if err != nil {
		return err
	}
	s.signer = signerOf(s.authorities.Signer, s.authorities.Responses)
	s.stranger = sync.OnceValues(func() (*response.Signer, error) {
		pair, err := s.authorities.StrangerSigner(now)
		return signerOf(pair, s.authorities.StrangerCA), err
	})
	return nil
}

func signerOf(pair, issuer authority.Pair) *response.Signer {
	return &response.Signer{Key: pair.Key, Certificate: pair.Certificate, Issuer: issuer.Certificate}
}

// TLSConfig is what Handler has to be served with: HTTP/1.1 only, since faults take connections over.
func (s *Simulator) TLSConfig() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{s.server},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}
}

// Bundle is a PEM bundle that clients have to trust, the same as GET /ca/<bundle>.pem of the admin interface.
func (s *Simulator) Bundle(bundle authority.Bundle) []byte { return s.authorities.PEM(bundle) }

// seed prepares the random choices, and logs the seed that repeats them.
func (s *Simulator) seed() error {
	seed := s.options.Seed
	if seed == 0 {
		var bytes [8]byte
		if _, err := cryptorand.Read(bytes[:]); err != nil {
			return fmt.Errorf("picking a seed: %w", err)
		}
		seed = binary.BigEndian.Uint64(bytes[:])
	}
	s.random = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // choices of faults and variants, no secrets
	s.log.V(1).Info("Seeded", "seed", seed)
	return nil
}

// pick chooses a number below n.
func (s *Simulator) pick(n int) int {
	s.randomMutex.Lock()
	defer s.randomMutex.Unlock()
	return s.random.IntN(n)
}

// percentile chooses a number from 0 to 99.
func (s *Simulator) percentile() int { return s.pick(100) }

// chooseVariant says how the next response is written. Validate has seen the name.
func (s *Simulator) chooseVariant() response.Variant {
	if chosen, named := response.VariantNamed(s.options.SignatureVariant); named {
		return chosen
	}
	variants := response.Variants()
	return variants[s.pick(len(variants))]
}
