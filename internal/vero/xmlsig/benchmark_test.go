package xmlsig_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// compare runs both functions alternately, so that a busy machine slows both, and reports the median time of what as a
// multiple of the median time of the bare cryptography in it.
func compare(b *testing.B, unit string, bare, what func()) {
	b.Helper()
	b.ReportAllocs()
	var bareTimes, whatTimes []time.Duration
	for b.Loop() {
		start := time.Now()
		bare()
		middle := time.Now()
		what()
		whatTimes = append(whatTimes, time.Since(middle))
		bareTimes = append(bareTimes, middle.Sub(start))
	}
	slices.Sort(bareTimes)
	slices.Sort(whatTimes)
	ratio := float64(whatTimes[len(whatTimes)/2]) / float64(bareTimes[len(bareTimes)/2])
	b.ReportMetric(ratio, unit)
}

func bareSignature(b testing.TB) (key *rsa.PrivateKey, digest [32]byte, signature []byte) {
	b.Helper()
	key = pkitest.Key(signerKey)
	digest = sha256.Sum256([]byte("what is signed"))
	return key, digest, must.Get(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]))(b)
}

func BenchmarkBareSign(b *testing.B) {
	key, digest, _ := bareSignature(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	}
}

func BenchmarkBareVerify(b *testing.B) {
	key, digest, signature := bareSignature(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature)
	}
}

// buildRenewal makes the tree of a renewal; writing it is part of what is measured.
func buildRenewal() *etree.Element {
	payload := etree.NewElement("cer:RenewCertificateRequest")
	payload.CreateAttr("xmlns:cer", serviceNamespace)
	for _, field := range [][2]string{
		{"Environment", "TEST"}, {"CustomerId", "0123456-7"}, {"CustomerName", "Esimerkki Oy"},
		{"CertificateRequest", request},
	} {
		payload.CreateElement(field[0]).SetText(field[1])
	}
	return payload
}

// BenchmarkSignRenewal must stay within 1.05 × the bare signature.
func BenchmarkSignRenewal(b *testing.B) {
	h := newHierarchy(b)
	key, digest, _ := bareSignature(b)
	compare(b, "×bare-sign",
		func() { _, _ = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]) },
		func() { signRenewal(b, h) })
}

func signRenewal(b testing.TB, h hierarchy) {
	b.Helper()
	signed := must.Get(xmlsig.Sign(buildRenewal(), pkitest.Key(signerKey), h.signer))(b)
	envelope := etree.NewElement("soapenv:Envelope")
	envelope.CreateAttr("xmlns:soapenv", "http://schemas.xmlsoap.org/soap/envelope/")
	envelope.CreateElement("soapenv:Body").AddChild(signed)
	document := etree.NewDocumentWithRoot(envelope)
	document.WriteSettings = xmlsig.WriteSettings()
	must.Get(document.WriteToBytes())(b)
}

// BenchmarkVerifyResponse must stay within 9 × the bare verification; there are three in it, two for the chain.
func BenchmarkVerifyResponse(b *testing.B) {
	h := newHierarchy(b)
	response := responseOfUsualSize(b, h)
	key, digest, signature := bareSignature(b)
	b.SetBytes(int64(len(response)))
	compare(b, "×bare-verify",
		func() { _ = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) },
		func() { verifyResponse(b, h, response) })
}

// responseOfUsualSize is an envelope of 4 kB: a certificate of 1 kB, and a signature with its signer's.
func responseOfUsualSize(b testing.TB, h hierarchy) []byte {
	b.Helper()
	payload := `<cer:GetCertificateResponse` + declareService + `><Certificate>` + request + `</Certificate>` +
		`<Result><Status>OK</Status></Result></cer:GetCertificateResponse>`
	response := []byte(soap(written(b, must.Get(xmlsig.Sign(parse(b, payload), pkitest.Key(signerKey), h.signer))(b))))
	if len(response) < 3000 {
		b.Fatalf("the response has %d bytes only", len(response))
	}
	return response
}

func verifyResponse(b testing.TB, h hierarchy, response []byte) {
	b.Helper()
	payload := must.Get(xmlsig.Parse(response))(b).Root().ChildElements()[0].ChildElements()[0]
	must.Get(xmlsig.Verify(payload, h.signers()))(b)
}

func BenchmarkParseResponse(b *testing.B) {
	response := responseOfUsualSize(b, newHierarchy(b))
	b.ReportAllocs()
	b.SetBytes(int64(len(response)))
	for b.Loop() {
		must.Get(xmlsig.Parse(response))(b)
	}
}

// BenchmarkHostile must stay within 5 ms for each document.
func BenchmarkHostile(b *testing.B) {
	for claim, build := range hostile {
		b.Run(claim, func(b *testing.B) {
			document := []byte(build())
			fastest(b, func() {
				if _, err := xmlsig.Parse(document); err == nil {
					b.Fatal("accepted")
				}
			})
		})
	}
}

// maximumVerifyBytes is how much memory may be allocated for reading and verifying a response.
const maximumVerifyBytes = 75_000

func TestVerifyingAllocatesLittle(t *testing.T) {
	h := newHierarchy(t)
	response := responseOfUsualSize(t, h)
	result := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			verifyResponse(b, h, response)
		}
	})
	if bytes := result.AllocedBytesPerOp(); bytes > maximumVerifyBytes {
		t.Errorf("%d bytes in %d allocations, want at most %d bytes", bytes, result.AllocsPerOp(), maximumVerifyBytes)
	}
}
