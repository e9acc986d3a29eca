package xmlsig_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// hostileResponse is a response whose signature is good, but that is made to cost as much as possible: its digest is
// that of nothing, so that everything is tried.
type hostileResponse struct {
	envelope     string // attributes of the Envelope
	header       string
	attributes   string // of the payload
	content      string // of the payload
	transforms   string // default exclusiveAfter
	undeclaredDS bool   // the Envelope declares the Signature's prefix
	signedInfo   string // white space in SignedInfo
	value        string // white space in SignatureValue
	certificate  string // white space in X509Certificate
	certificates [][]byte
	signature    []byte // in place of the real one
}

// hostileResponses are the ways to make a response expensive. Each is filled up to about a number of bytes.
var hostileResponses = map[string]func(t testing.TB, size int) hostileResponse{
	"long namespace names": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			attributes: ` xmlns:a='urn:` + strings.Repeat(`"`, 990) + `'`, content: upTo(size, `<a:b/>`, 2000),
		}
	},
	"long prefixes": func(_ testing.TB, size int) hostileResponse {
		prefix := strings.Repeat("p", 990)
		return hostileResponse{attributes: ` xmlns:` + prefix + `="urn:a"`, content: upTo(size, "<"+prefix+":b/>", 2000)}
	},
	"most declarations, most prefixes in the list, four ways to cut out": func(_ testing.TB, size int) hostileResponse {
		var prefixes strings.Builder
		for index := range 16 {
			fmt.Fprintf(&prefixes, "a%d ", index)
		}
		list := `<i:InclusiveNamespaces xmlns:i="` + exclusive + `" PrefixList="` + prefixes.String() + `"/>`
		return hostileResponse{
			envelope: ` xmlns="urn:a"`, undeclaredDS: true, attributes: declarations(58),
			transforms: envelopedOnly + `<ds:Transform Algorithm="` + exclusive + `">` + list + `</ds:Transform>`,
			content:    upTo(size, "<a0:b/>", 1900),
		}
	},
	"declarations of long names at every element": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			transforms: inclusiveAfter, envelope: ` xmlns="urn:a"`, undeclaredDS: true,
			content: upTo(size, `<a:b xmlns:a='urn:`+strings.Repeat(`"`, 150)+`'/>`, 900),
		}
	},
	"quoted attributes": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{content: `<a b='` + upTo(size/6, `"`, size) + `'/>`}
	},
	"most attributes": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			attributes: declarations(40), content: upTo(size, `<a`+strings.NewReplacer(` a`, ` a1:a`).Replace(attributes(60))+
				`/>`, 16) + upTo(size-16*600, "x", size),
		}
	},
	"CDATA sections": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{content: upTo(size, "<![CDATA[\r]]>", size)}
	},
	"references": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			envelope: ` xmlns="urn:a"`, undeclaredDS: true, transforms: envelopedOnly, content: upTo(size, "&lt;", size),
		}
	},
	"references to characters": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{content: upTo(size, "&#x00041;", size)}
	},
	"comments": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{content: upTo(size, strings.Repeat("x", size/250)+"<!---->", 250)}
	},
	"carriage returns, four ways to cut out": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{envelope: ` xmlns="urn:a"`, undeclaredDS: true, content: upTo(size/5, "\r", size)}
	},
	"most elements, four ways to cut out": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			envelope: ` xmlns="urn:a"`, undeclaredDS: true,
			content: upTo(size, "<a>"+strings.Repeat("x", size/2000)+"</a>", 2000),
		}
	},
	"elements called Signature below most attributes": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			content: strings.Repeat("<a"+attributes(60)+">", 15) + upTo(size, `<Signature/>`, 1900) + strings.Repeat("</a>", 15),
		}
	},
	"white space in SignedInfo": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			envelope: ` xmlns="urn:a"`, undeclaredDS: true, signedInfo: upTo(min(size, 15_000), "\n", size),
		}
	},
	"white space in the SignatureValue": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{value: upTo(size, " \n", size)}
	},
	"white space in the certificate": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{certificate: upTo(size, " \n", size)}
	},
	"references in the Header": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{header: "<a>" + upTo(size, "&#10;", size) + "</a>"}
	},
	"carriage returns in the Header, and most elements": func(_ testing.TB, size int) hostileResponse {
		return hostileResponse{
			header:  "<a>" + upTo(size-20_000, "\r", size) + "</a>",
			content: upTo(min(size, 20_000), "<a>x</a>", 1900),
		}
	},
	"most certificates with the largest keys, four ways to cut out": func(t testing.TB, _ int) hostileResponse {
		t.Helper()
		return hostileResponse{
			envelope: ` xmlns="urn:a"`, undeclaredDS: true, content: "<a/>",
			certificates: hostileCertificates(t, largestKey), signature: bytes.Repeat([]byte{0x55}, 1024),
		}
	},
	"most certificates with most names": func(t testing.TB, _ int) hostileResponse {
		t.Helper()
		return hostileResponse{certificates: hostileCertificates(t, func(template *x509.Certificate, _ int) any {
			const count = 300
			names := make([]pkix.AttributeTypeAndValue, count)
			for index := range names {
				names[index] = pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "a"}
				template.DNSNames = append(template.DNSNames, fmt.Sprintf("%d.fi", index))
			}
			template.Subject.ExtraNames = names
			return &pkitest.Key("forger").PublicKey
		})}
	},
	"most certificates with most URIs": func(t testing.TB, _ int) hostileResponse {
		t.Helper()
		return hostileResponse{certificates: hostileCertificates(t, func(template *x509.Certificate, _ int) any {
			template.URIs = slices.Repeat([]*url.URL{{Scheme: "a", Host: "b"}}, 850)
			return &pkitest.Key("forger").PublicKey
		})}
	},
	"most certificates with most extensions": func(t testing.TB, _ int) hostileResponse {
		t.Helper()
		return hostileResponse{certificates: hostileCertificates(t, func(template *x509.Certificate, _ int) any {
			for index := range 620 {
				template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 6, index}})
			}
			return &pkitest.Key("forger").PublicKey
		})}
	},
}

// hostileSizes are those that every response is filled up to: the least that did harm, what is just not too large for a
// payload, and the largest document.
var hostileSizes = map[string]int{"18 kB": 18_000, "250 kB": 250_000, "1 MiB": xmlsig.MaximumBytes - 12_000}

// hostileMakers are who can have made a response, and how much memory it may take then, in bytes.
var hostileMakers = map[string]struct {
	memory uint64
	write  func(t testing.TB, h hierarchy, response hostileResponse) []byte
}{
	"a stranger": {4_000_000, func(t testing.TB, h hierarchy, response hostileResponse) []byte {
		t.Helper()
		return response.write(t, pkitest.Key("forger"), pkitest.Root(t, "Forger").Issue(t, pkitest.Key("forger"), "Service"))
	}},
	"a stranger with a genuine certificate": {4_000_000, func(t testing.TB, h hierarchy, response hostileResponse) []byte {
		t.Helper()
		stranger := pkitest.Root(t, "Forger").Issue(t, pkitest.Key("forger"), "Service")
		return response.write(t, pkitest.Key("forger"), stranger, h.signer)
	}},
	"a genuine signer": {8_000_000, func(t testing.TB, h hierarchy, response hostileResponse) []byte {
		t.Helper()
		return response.write(t, pkitest.Key(signerKey), h.signer)
	}},
}

// eachHostileResponse calls what for every response, size and maker, as a subtest.
func eachHostileResponse(t testing.TB, h hierarchy, what func(claim string, memory uint64, document []byte)) {
	t.Helper()
	for claim, build := range hostileResponses {
		for sizeName, size := range hostileSizes {
			response := build(t, size)
			for makerName, maker := range hostileMakers {
				document := maker.write(t, h, response)
				if len(document) > xmlsig.MaximumBytes {
					t.Fatalf("%s, %s: %d bytes, refused for its size alone", claim, sizeName, len(document))
				}
				what(claim+"/"+sizeName+"/"+makerName, maker.memory, document)
			}
		}
	}
}

// refuseResponse reads and verifies a response that must be refused.
func refuseResponse(t testing.TB, h hierarchy, document []byte) error {
	t.Helper()
	parsed, err := xmlsig.Parse(document)
	if err != nil {
		return err
	}
	body := parsed.Root().ChildElements()
	if _, err = xmlsig.Verify(body[len(body)-1].ChildElements()[0], h.signers()); err == nil {
		t.Fatal("verified")
	}
	return err
}

func TestHostileResponsesTakeLittleTimeAndMemory(t *testing.T) {
	h := newHierarchy(t)
	eachHostileResponse(t, h, func(claim string, memory uint64, document []byte) {
		t.Run(claim, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := refuseResponse(t, h, document)
			runtime.ReadMemStats(&after)
			if taken := after.TotalAlloc - before.TotalAlloc; taken > memory {
				t.Errorf("%d bytes were allocated, want at most %d", taken, memory)
			}
			mustBeQuick(t, func() { _ = refuseResponse(t, h, document) })
			if text := err.Error(); len(text) > longestError {
				t.Errorf("the error has %d bytes: %.200s", len(text), text)
			}
		})
	})
}

// BenchmarkHostileResponses must stay within 5 ms and 4 MB for every response of a stranger, and 20 ms and 8 MB for
// every response of a genuine signer.
func BenchmarkHostileResponses(b *testing.B) {
	h := newHierarchy(b)
	eachHostileResponse(b, h, func(claim string, _ uint64, document []byte) {
		b.Run(claim, func(b *testing.B) {
			b.ReportMetric(float64(len(document)), "B-document")
			fastest(b, func() { _ = refuseResponse(b, h, document) })
		})
	})
}

// fastest runs what and reports its fastest time besides the usual figures: on a busy machine, only that says how much
// work there is.
func fastest(b *testing.B, what func()) {
	b.Helper()
	b.ReportAllocs()
	shortest := time.Hour
	for b.Loop() {
		start := time.Now()
		what()
		shortest = min(shortest, time.Since(start))
	}
	b.ReportMetric(shortest.Seconds()*1000, "ms-fastest")
}

func TestAResponseVerifiesUpToItsBounds(t *testing.T) {
	h := newHierarchy(t)
	signed := func(attributes, content string) string {
		payload := strings.Replace(response(declareService+attributes, plainContent+content), "@SIGNATURE@", "", 1)
		return soap(written(t, must.Get(xmlsig.Sign(parse(t, payload), pkitest.Key(signerKey), h.signer))(t)))
	}
	blanks := func(count int) string {
		return replace(t, signed("", ""), "<ds:SignedInfo>", "<ds:SignedInfo>"+strings.Repeat(" ", count))
	}
	name := ` xmlns:a="urn:` + strings.Repeat("a", 990) + `"`
	for claim, test := range map[string]struct {
		envelope string
		want     xmlsig.Reason
	}{
		"a large payload":                  {signed("", strings.Repeat("x", 250_000)), ""},
		"a larger one":                     {signed("", strings.Repeat("x", 256<<10)), xmlsig.Shape},
		"a large one of references":        {signed("", strings.Repeat("&lt;", 62_000)), ""},
		"a larger one of references":       {signed("", strings.Repeat("&lt;", 66_000)), xmlsig.Shape},
		"a name written anew sixty times":  {signed(name, strings.Repeat("<a:b/>", 60)), ""},
		"a name written anew eighty times": {signed(name, strings.Repeat("<a:b/>", 80)), xmlsig.Shape},
		"a large SignedInfo":               {blanks(10_000), xmlsig.SignatureMismatch},
		"a larger one, SignedInfo":         {blanks(17_000), xmlsig.Shape},
	} {
		t.Run(claim, func(t *testing.T) {
			if test.want == "" {
				h.mustVerify(t, test.envelope)
			} else {
				h.mustRefuse(t, test.envelope, test.want)
			}
		})
	}
}
