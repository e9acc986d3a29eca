// Package dvv stands for DVV (the Digital and Population Data Services Agency) where a person orders an interface
// certificate of its stamping service, leimapalvelu: it takes the form of seed 000, 3.1, with a CSR, and has the
// certificate ready for mailing after a while. On request the mail holds what goes wrong by hand.
//
// What an application answers is computed from facts and the time, never stored:
//
//	Apply ──▶ certificate and file are decided ──delay──▶ Mail gives the file
//	              └─ Mail before that: *admin.NotMailedError
package dvv

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

// maximumApplications is how many applications, with their files, are remembered; a forgotten one is unknown.
const maximumApplications = 2000

// crlValidity is how long a CRL says that it is current.
const crlValidity = 24 * time.Hour

// ErrUnknown means that no application has the reference, or that it was forgotten.
var ErrUnknown = errors.New("no application has this reference since the simulator started")

// FormError says why an application was not taken, to whoever fills the form.
type FormError string

// Error is the reason.
func (e FormError) Error() string { return string(e) }

// Options are what a Service needs.
type Options struct {
	// Clock tells the time.
	Clock clock.Clock
	// Delay is how long after an application its certificate is mailed, unless the application says otherwise.
	Delay time.Duration
	// Validity is how long certificates live.
	Validity time.Duration
	// Authorities gives the hierarchies; it is asked when the first of them is needed.
	Authorities func() (*authority.DVV, error)
}

// Service takes applications. Its methods may be called at the same time.
type Service struct {
	options Options

	mutex        sync.Mutex
	applications []*application
}

// application is one that was taken, with everything that was decided about it.
type application struct {
	asked              admin.Application
	reference          string
	appliedAt, dueAt   time.Time
	request            *x509.CertificateRequest
	key                *rsa.PublicKey
	issuer             authority.Pair
	certificate        *x509.Certificate
	mail               admin.Mail
	distributionPoints []string
}

// New makes a service without applications.
func New(options Options) *Service { return &Service{options: options} }

// Apply takes an application, and decides what will be mailed. crls is the URL under which the CRLs can be fetched,
// each by its CRL name. The error is a FormError when the form is at fault.
func (s *Service) Apply(asked admin.Application, crls string) (admin.ApplicationState, error) {
	if err := asked.Validate(); err != nil {
		return admin.ApplicationState{}, FormError(err.Error())
	}
	request, key, err := readRequest(asked.CSR)
	if err != nil {
		return admin.ApplicationState{}, err
	}
	authorities, err := s.options.Authorities()
	if err != nil {
		return admin.ApplicationState{}, err
	}
	made := &application{
		asked: asked, reference: rand.Text()[:12], appliedAt: s.options.Clock.Now(), request: request, key: key,
	}
	made.dueAt = made.appliedAt.Add(s.options.Delay)
	if asked.Delay > 0 {
		made.dueAt = made.appliedAt.Add(time.Duration(asked.Delay))
	}
	root := authorities.Root
	made.issuer, made.distributionPoints = authorities.Issuing, []string{crls + CRL}
	if asked.TestHierarchy {
		root = authorities.TestRoot
		made.issuer, made.distributionPoints = authorities.TestIssuing, []string{crls + TestCRL}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.decide(made, root.Certificate); err != nil {
		return admin.ApplicationState{}, err
	}
	s.applications = append(s.applications, made)
	if len(s.applications) > maximumApplications {
		s.applications = s.applications[1:]
	}
	return made.state(made.appliedAt), nil
}

// decide issues the certificate, and makes the file of it.
func (s *Service) decide(made *application, root *x509.Certificate) error {
	subject, key, err := s.certified(made)
	if err != nil {
		return err
	}
	made.certificate, err = made.issue(subject, key, s.options.Validity)
	if err != nil {
		return fmt.Errorf("issuing the certificate of application %s: %w", made.reference, err)
	}
	made.mail, err = write(made.asked.File, contents{
		leaf: made.certificate, issuing: made.issuer.Certificate, root: root, request: made.request.Raw, key: made.key,
	})
	if err != nil {
		return fmt.Errorf("writing the file of application %s: %w", made.reference, err)
	}
	return nil
}

// certified is the request that the certificate follows, and the key that it certifies.
func (s *Service) certified(made *application) (*x509.CertificateRequest, *rsa.PublicKey, error) {
	switch made.asked.File {
	case admin.FileEarlierCSR:
		for _, earlier := range slices.Backward(s.applications) {
			if earlier.asked.Organization == made.asked.Organization && !earlier.key.Equal(made.key) {
				return earlier.request, earlier.key, nil
			}
		}
		return nil, nil, FormError(fmt.Sprintf("%s has not applied with another CSR before: apply with the earlier one first",
			made.asked.Organization))
	case admin.FileAnotherKey:
		another, err := rsa.GenerateKey(rand.Reader, made.key.N.BitLen())
		if err != nil {
			return nil, nil, fmt.Errorf("generating a key that nobody has asked for: %w", err)
		}
		return made.request, &another.PublicKey, nil
	default:
		return made.request, made.key, nil
	}
}

// List is every application, oldest first.
func (s *Service) List() []admin.ApplicationState {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.options.Clock.Now()
	listed := make([]admin.ApplicationState, 0, len(s.applications))
	for _, made := range s.applications {
		listed = append(listed, made.state(now))
	}
	return listed
}

// Mail is what was mailed for an application. The error is ErrUnknown, or *admin.NotMailedError before it is due.
func (s *Service) Mail(reference string) (admin.Mail, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, made := range s.applications {
		if made.reference != reference {
			continue
		}
		if s.options.Clock.Now().Before(made.dueAt) {
			return admin.Mail{}, &admin.NotMailedError{Reference: reference, DueAt: made.dueAt}
		}
		return made.mail, nil
	}
	return admin.Mail{}, ErrUnknown
}

func (a *application) state(now time.Time) admin.ApplicationState {
	file := a.asked.File
	if file == "" {
		file = admin.FilePEM
	}
	return admin.ApplicationState{
		Reference: a.reference, Applicant: a.asked.Applicant, Organization: a.asked.Organization,
		AppliedAt: a.appliedAt, DueAt: a.dueAt, Mailed: !now.Before(a.dueAt), File: file,
		Serial: a.certificate.SerialNumber.Text(16), NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
	}
}

// The names of the CRLs: the first is DVV's own.
const (
	CRL     = "dvvsp5rc.crl"
	TestCRL = "dvvtestsp5rc.crl"
)

// RevocationList is the CRL of a name, in DER, as of now; nil for a name that is none of the two.
func (s *Service) RevocationList(name string) ([]byte, error) {
	if name != CRL && name != TestCRL {
		return nil, nil
	}
	authorities, err := s.options.Authorities()
	if err != nil {
		return nil, err
	}
	issuer := authorities.Issuing
	if name == TestCRL {
		issuer = authorities.TestIssuing
	}
	now := s.options.Clock.Now()
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(now.Unix()), ThisUpdate: now, NextUpdate: now.Add(crlValidity),
		RevokedCertificateEntries: s.revoked(issuer.Certificate, now),
	}, issuer.Certificate, issuer.Key)
	if err != nil {
		return nil, fmt.Errorf("signing the CRL %s: %w", name, err)
	}
	return list, nil
}

// revoked lists what an issuer has issued and revoked by now.
func (s *Service) revoked(issuer *x509.Certificate, now time.Time) []x509.RevocationListEntry {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var entries []x509.RevocationListEntry
	for _, made := range s.applications {
		if made.asked.Revoked && !now.Before(made.dueAt) && made.issuer.Certificate.Equal(issuer) {
			entries = append(entries, x509.RevocationListEntry{
				SerialNumber: made.certificate.SerialNumber, RevocationTime: made.dueAt,
			})
		}
	}
	return entries
}
