package delivery_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/manual/delivery"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func request(t testing.TB) *x509.CertificateRequest {
	t.Helper()
	parsed, err := pki.ParseCertificateRequest(file(t, "match/leaf.csr"))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func trust(t testing.TB, anchors ...*x509.Certificate) pki.Trust {
	t.Helper()
	made, err := pki.NewTrust(anchors)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// order is that of leaf.csr, at an issuer that knows the look-alike of DVV's hierarchy.
func order(t testing.TB) delivery.Order {
	t.Helper()
	return delivery.Order{
		Request:       request(t),
		KeyUsage:      x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		Trust:         trust(t, certificate(t, "root")),
		Intermediates: []*x509.Certificate{certificate(t, "issuing")},
	}
}

func earlier(t testing.TB) delivery.EarlierOrder {
	t.Helper()
	digest, err := pki.PublicKeyDigest(certificate(t, "earlier-leaf").PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return delivery.EarlierOrder{
		PublicKeyDigest: digest, Name: "leima-x7k2p", Date: time.Date(2026, time.May, 3, 9, 0, 0, 0, time.UTC),
	}
}

func TestTheOrderedCertificateIsFoundAndItsChainIsBuilt(t *testing.T) {
	leaf, issuing, root := certificate(t, "leaf"), certificate(t, "issuing"), certificate(t, "root")
	for claim, came := range map[string][]*x509.Certificate{
		"alone":              {leaf},
		"with its chain":     {root, issuing, leaf},
		"among others":       {certificate(t, "stranger-leaf"), certificate(t, "test-root"), leaf},
		"beside an old one":  {certificate(t, "expired"), leaf},
		"before the old one": {leaf, certificate(t, "expired")},
	} {
		issued, err := delivery.Match(came, order(t), pkitest.Now)
		if err != nil || len(issued.Changes) > 0 || !issued.ValidFrom.IsZero() || !issued.Leaf.Equal(leaf) {
			t.Errorf("%s: %+v, %v", claim, issued, err)
			continue
		}
		tlsCrt, ca := pki.EncodeChain(issued.Chain)
		if !bytes.Equal(tlsCrt, pkitest.PEM(leaf, issuing)) || !bytes.Equal(ca, pkitest.PEM(root)) {
			t.Errorf("%s: the chain is %s%s", claim, tlsCrt, ca)
		}
	}
	sameNumber := order(t)
	sameNumber.Replaces, sameNumber.ReplacesUntil = pki.SerialNumber(leaf), pkitest.Now
	if _, err := delivery.Match([]*x509.Certificate{leaf}, sameNumber, pkitest.Now); err != nil {
		t.Errorf("with the serial number that the one in use has from another authority: %v", err)
	}
	fromPerson := order(t)
	fromPerson.Intermediates = nil
	if issued, err := delivery.Match([]*x509.Certificate{leaf, issuing}, fromPerson, pkitest.Now); err != nil ||
		len(issued.Chain) != 3 {
		t.Errorf("with the intermediate that came: %v", err)
	}
}

// TestACertificateOfAnAuthorityHidesNone that is for the same key and ends sooner.
func TestACertificateOfAnAuthorityHidesNone(t *testing.T) {
	root, key := pkitest.Root(t, "Root"), pkitest.Key("leaf")
	leaf := root.Issue(t, key, "leaf")
	authority := root.Issue(t, key, "leaf", func(template *x509.Certificate) {
		template.IsCA, template.BasicConstraintsValid = true, true
	}, pkitest.Dates(pkitest.NotBefore, pkitest.NotAfter.AddDate(1, 0, 0)))
	ordered := delivery.Order{Trust: trust(t, root.Certificate), Request: &x509.CertificateRequest{
		PublicKey: key.Public(), Subject: pkix.Name{CommonName: "leaf"},
	}}
	for _, came := range [][]*x509.Certificate{{leaf, authority}, {authority, leaf}} {
		if issued, err := delivery.Match(came, ordered, pkitest.Now); err != nil || !issued.Leaf.Equal(leaf) {
			t.Errorf("%+v, %v", issued, err)
		}
	}
}

func TestACertificateThatBeginsLaterIsTakenWithItsBeginning(t *testing.T) {
	ahead := certificate(t, "ahead")
	issued, err := delivery.Match([]*x509.Certificate{ahead}, order(t), pkitest.Now)
	if err != nil || !issued.ValidFrom.Equal(ahead.NotBefore) || len(issued.Chain) != 3 {
		t.Errorf("%+v, %v", issued, err)
	}
}

func TestWhatTheAuthorityChangedIsShown(t *testing.T) {
	came := []*x509.Certificate{certificate(t, "organization")}
	issued, err := delivery.Match(came, order(t), pkitest.Now)
	want := []string{
		`spec.subject.organizations: "Esimerkki Oy" → "Esimerkki Oyj"`,
		`spec.subject.organizationalUnits: "Tietohallinto" → nothing`,
		`spec.subject.serialNumber: nothing → "0123456-7"`,
	}
	if got := written(issued.Changes); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	// Common name and DNS names are one set for cert-manager: a DNS name that is the common name may go, and is shown.
	issued, err = delivery.Match([]*x509.Certificate{certificate(t, "no-dns")}, order(t), pkitest.Now)
	if got := written(issued.Changes); err != nil || !slices.Equal(got, []string{
		`spec.dnsNames: "leima.esimerkki.fi" → nothing`,
	}) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAnAlternativeNameOfAnotherFormThatIsMissingIsShown, which cert-manager does not order again for: a user principal
// name, a registered id, and another name that is no text.
func TestAnAlternativeNameOfAnotherFormThatIsMissingIsShown(t *testing.T) {
	ordered := order(t)
	ordered.Request.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: []byte("\x30\x25" +
		"\xa0\x16\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x08\x0c\x06a@b.fi" +
		"\x88\x02\x2a\x03" + "\xa0\x07\x06\x01\x2a\xa0\x02\x05\x00")}}
	issued, err := delivery.Match([]*x509.Certificate{certificate(t, "leaf")}, ordered, pkitest.Now)
	want := `spec.otherNames: "1.3.6.1.4.1.311.20.2.3=a@b.fi, registered id #88022A03, 1.2=#0500" → nothing`
	if got := written(issued.Changes); err != nil || !slices.Equal(got, []string{want}) {
		t.Errorf("%q, %v", got, err)
	}
}

func written(changes []delivery.Change) []string {
	texts := make([]string, 0, len(changes))
	for _, change := range changes {
		texts = append(texts, change.String())
	}
	return texts
}

func TestEveryOtherCertificateIsRefusedForItsReason(t *testing.T) {
	for claim, test := range map[string]struct {
		came   []string
		change func(*delivery.Order)
		reason delivery.Reason
		tells  string
	}{
		"an earlier order's": {
			[]string{"issuing", "earlier-leaf"}, nil, delivery.BelongsToEarlier,
			`belongs to the CSR of ManualOrder "leima-x7k2p" of 3 May 2026`,
		},
		"the authority's alone": {
			[]string{"issuing", "root"}, nil, delivery.AuthorityOnly, `CN=DVV Service Certificates - G5R`,
		},
		"a stranger's": {
			[]string{"stranger-leaf", "issuing"}, nil, delivery.OtherKey, "the authority was sent another CSR",
		},
		"the one that it is to replace": {
			[]string{"leaf"}, func(o *delivery.Order) {
				o.Replaces, o.ReplacesUntil = pki.SerialNumber(certificate(t, "leaf")), certificate(t, "leaf").NotAfter
			}, delivery.InUse, "is the one in use",
		},
		"expired":         {[]string{"expired"}, nil, delivery.Expired, "expired on 1 April 2026"},
		"of an authority": {[]string{"is-ca"}, nil, delivery.IsAuthority, "end entity"},
		"of the test hierarchy, with its chain": {
			[]string{"of-test", "test-issuing", "test-root"}, nil, delivery.TestHierarchy, "CN=DVV TEST Root CA - G3 RSA",
		},
		"of the test hierarchy, with its issuer": {
			[]string{"of-test", "test-issuing"}, nil, delivery.TestHierarchy, "CN=DVV TEST Root CA - G3 RSA",
		},
		"of the test hierarchy, alone": {
			[]string{"of-test"}, nil, delivery.UnknownAuthority, "not by the authority of that name",
		},
		"of the production hierarchy, where the test one is trusted": {
			[]string{"leaf", "issuing", "root"}, func(o *delivery.Order) { o.Trust = trust(t, certificate(t, "test-root")) },
			delivery.UnknownAuthority, `leads to "CN=DVV Gov. Root CA - G3 RSA`,
		},
		"without the intermediate": {
			[]string{"leaf"}, func(o *delivery.Order) { o.Intermediates = nil }, delivery.UnknownAuthority,
			"spec.intermediates",
		},
		"without any trust": {
			[]string{"leaf", "issuing"}, func(o *delivery.Order) { o.Trust = pki.Trust{} }, delivery.UnknownAuthority,
			`leads to "CN=DVV Gov. Root CA - G3 RSA`,
		},
		"for signing only": {
			[]string{"signing-only"}, nil, delivery.UsageMissing, `"digital signature, key encipherment"`,
		},
		"for servers only": {
			[]string{"server-only"}, func(o *delivery.Order) { o.ExtKeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
			delivery.UsageMissing, `"client auth"`,
		},
		"of another common name": {
			[]string{"other-name"}, nil, delivery.NamesDiffer,
			`spec.commonName: "leima.esimerkki.fi" → "Esimerkki Oy Leimapalvelu"; change the Certificate so`,
		},
		"of more DNS names": {
			[]string{"other-dns"}, nil, delivery.NamesDiffer,
			`spec.dnsNames: "leima.esimerkki.fi" → "leima.esimerkki.fi, www.esimerkki.fi"`,
		},
		"for a literal subject whose common name cert-manager does not find": {
			[]string{"other-name"}, func(o *delivery.Order) { o.LiteralSubject = true }, delivery.NamesDiffer,
			"spec.literalSubject: write",
		},
		"of an organization that has to stay": {
			[]string{"organization"},
			func(o *delivery.Order) { o.Policy.Keep = []string{delivery.Countries, delivery.Organizations} },
			delivery.SubjectDiffers, `"Esimerkki Oy" → "Esimerkki Oyj"; ask it for a certificate as requested; or write that ` +
				`into the Certificate, or take the field out of spec.keepSubject of the issuer`,
		},
	} {
		t.Run(claim, func(t *testing.T) {
			came := make([]*x509.Certificate, 0, len(test.came))
			for _, name := range test.came {
				came = append(came, certificate(t, name))
			}
			ordered := order(t)
			ordered.Earlier = []delivery.EarlierOrder{earlier(t)}
			if test.change != nil {
				test.change(&ordered)
			}
			_, err := delivery.Match(came, ordered, pkitest.Now)
			mustBeRefused(t, err, test.reason, test.tells)
		})
	}
}

func TestWhatIsWrongWithTheRestIsTold(t *testing.T) {
	root, key := pkitest.Root(t, "Root"), pkitest.Key("leaf")
	past := pkitest.Dates(pkitest.NotBefore, pkitest.Now.Add(-time.Hour))
	future := pkitest.Dates(pkitest.Now.Add(time.Hour), pkitest.NotAfter)
	end := root.Intermediate(t, "Issuing", func(template *x509.Certificate) { template.MaxPathLenZero = true })
	other := root.Intermediate(t, "Issuing for others", func(template *x509.Certificate) {
		template.PermittedDNSDomains, template.PermittedDNSDomainsCritical = []string{"esimerkki.fi"}, true
	})
	named := func(template *x509.Certificate) { template.DNSNames = []string{"example.fi"} }
	one, two := pkitest.Root(t, "One"), pkitest.Root(t, "Two")
	weak := func(template *x509.Certificate) { template.SignatureAlgorithm = x509.SHA1WithRSA }
	nameless := func(template *x509.Certificate) { template.Subject = pkix.Name{} }
	given := func(template *x509.Certificate) {
		name := pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 42}, Value: "Matti"}
		template.Subject.ExtraNames = []pkix.AttributeTypeAndValue{name}
	}
	issued := func(by *pkitest.Authority, modifiers ...pkitest.Modifier) []*x509.Certificate {
		return []*x509.Certificate{by.Issue(t, key, "leaf", modifiers...), by.Certificate, end.Certificate}
	}
	for claim, test := range map[string]struct {
		came   []*x509.Certificate
		reason delivery.Reason
		tells  string
	}{
		"an authority has expired": {
			issued(root.Intermediate(t, "Other", past)), delivery.Expired, "the authority's present",
		},
		"an authority begins later": {
			issued(root.Intermediate(t, "Other", future)), delivery.InvalidChain, "is valid only from",
		},
		"an authority may have none below": {
			issued(end.Intermediate(t, "Other")), delivery.InvalidChain, "ask the authority for a certificate that chains",
		},
		"its signature can be forged": {
			issued(root, weak), delivery.InvalidChain, "is signed with SHA1-RSA, which can be forged",
		},
		"an authority's signature can be forged": {
			issued(root.Intermediate(t, "Other", weak)), delivery.InvalidChain, "is signed with SHA1-RSA, which can be forged",
		},
		"an authority may not certify the name": {
			issued(other, named), delivery.InvalidChain, "from an issuing authority that may certify the name",
		},
		"authorities have signed each other": {
			append(issued(one), one.Intermediate(t, "Two").Certificate, two.Intermediate(t, "One").Certificate),
			delivery.UnknownAuthority, `leads to "CN=`,
		},
		"there is no name": {issued(root, nameless), delivery.NamesDiffer, "cannot ask for no name at all"},
		"a name has no field": {
			issued(root, given), delivery.SubjectDiffers, `spec.literalSubject: nothing → "2.5.4.42=Matti"`,
		},
		"there are many others": {
			slices.Repeat([]*x509.Certificate{certificate(t, "leaf")}, 5), delivery.OtherKey, "and 2 more: bring",
		},
	} {
		requested := &x509.CertificateRequest{
			PublicKey: key.Public(), Subject: pkix.Name{CommonName: "leaf", Country: []string{"FI"}},
		}
		ordered := delivery.Order{Request: requested, Trust: trust(t, root.Certificate)}
		ordered.Policy.Keep = []string{delivery.OtherAttributes}
		_, err := delivery.Match(test.came, ordered, pkitest.Now)
		t.Run(claim, func(t *testing.T) { mustBeRefused(t, err, test.reason, test.tells) })
	}
}
