package orderstate_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// constantsOf reads the values of all constants of a type from the source that defines them, so that none is forgotten.
func constantsOf(t *testing.T, file, typeName string) []string {
	t.Helper()
	source := must.Get(parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution))(t)
	var values []string
	ast.Inspect(source, func(node ast.Node) bool {
		spec, isSpec := node.(*ast.ValueSpec)
		if !isSpec {
			return true
		}
		if named, isNamed := spec.Type.(*ast.Ident); isNamed && named.Name == typeName {
			values = append(values, must.Get(strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value))(t))
		}
		return true
	})
	if len(values) < 3 {
		t.Fatalf("%s has only %q of type %s", file, values, typeName)
	}
	return values
}

// problemAfter is what a poll that ended with err has the user read.
func problemAfter(err error) string {
	return orderstate.Message(signNew(sent(now, nil), polled(now, err)))
}

func unverified(reason xmlsig.Reason) *protocol.UnverifiedError {
	return &protocol.UnverifiedError{Err: &xmlsig.VerifyError{
		Reason: reason, Signer: &x509.Certificate{}, Err: errors.New("found"),
	}}
}

const (
	onlyIf         = "if, and only if, the service's owner has published it"
	contactService = "contact the certificate service, naming the interface that the certificate is for"
)

// checkAdvice fails unless each reason has advice of its own that names trust for unknown authorities only.
func checkAdvice(t *testing.T, reasons []string, problem func(reason string) string, unknown, field string) {
	t.Helper()
	said := map[string]string{}
	for _, reason := range reasons {
		says := strings.ReplaceAll(problem(reason), reason, "")
		if other, twice := said[says]; twice {
			t.Errorf("%s and %s have the same advice: %s", reason, other, says)
		}
		said[says] = reason
		if named := strings.Contains(says, "spec.trust"); named != (reason == unknown) {
			t.Errorf("trust is named for %s: %t: %s", reason, named, says)
		}
		if reason == unknown && !strings.Contains(says, "put that authority into "+field+" "+onlyIf) {
			t.Errorf("for %s it does not say on which condition: %s", reason, says)
		}
		if !strings.Contains(says, contactService) {
			t.Errorf("for %s it names nobody who knows more: %s", reason, says)
		}
	}
}

func TestEveryRefusedSignatureHasAdviceOfItsOwn(t *testing.T) {
	// A reason that is not in the table must not pass for one that is: the last one has none.
	reasons := append(constantsOf(t, "../xmlsig/errors.go", "Reason"), "Reason of tomorrow")
	checkAdvice(t, reasons, func(reason string) string {
		return problemAfter(unverified(xmlsig.Reason(reason)))
	}, string(xmlsig.UntrustedSigner), "spec.trust.responses")
	for claim, err := range map[string]error{
		"a response that could not be read":   &protocol.UnverifiedError{Err: errors.New("cut off in the middle")},
		"a response refused for a new reason": unverified("Reason of tomorrow"),
		"a response whose signer must not be shown": &protocol.UnverifiedError{
			Err: &xmlsig.VerifyError{Reason: xmlsig.UntrustedSigner, Err: errors.New("not shown")}},
	} {
		if says := problemAfter(err); strings.Contains(says, "spec.trust") || !strings.Contains(says, "look for a proxy") {
			t.Errorf("%s: %s", claim, says)
		}
	}
}

func TestEveryWrongCertificateHasAdviceOfItsOwn(t *testing.T) {
	found := &pki.ChainError{Certificate: &x509.Certificate{}, Err: errors.New("found")}
	reasons := append(constantsOf(t, "../../pki/issued.go", "IssuedReason"), "Reason of tomorrow")
	checkAdvice(t, reasons, func(reason string) string {
		return problemAfter(&pki.IssuedError{Reason: pki.IssuedReason(reason), Err: found})
	}, string(pki.IssuedUnknownAuthority), "spec.trust.issuance")
}

// TestAnUnknownAuthorityIsIdentified: by what a person can compare with what the service's owner has published.
func TestAnUnknownAuthorityIsIdentified(t *testing.T) {
	stranger := pkitest.Root(t, "Stranger's CA").Issue(t, pkitest.Key("signer"), "signer")
	trust := must.Get(pki.NewTrust([]*x509.Certificate{pkitest.Root(t, "Another CA").Certificate}))(t)
	_, chainErr := trust.Chain(stranger, pkitest.Now)
	refused := &xmlsig.VerifyError{Reason: xmlsig.UntrustedSigner, Signer: stranger, Err: chainErr}
	long := &xmlsig.VerifyError{
		Reason: xmlsig.UntrustedSigner, Signer: stranger, Err: fmt.Errorf("%s: %w", strings.Repeat("long ", 400), chainErr)}
	for claim, err := range map[string]error{
		"of a signer":                   &protocol.UnverifiedError{Err: refused},
		"of one whose names are long":   &protocol.UnverifiedError{Err: long},
		"of a certificate":              &pki.IssuedError{Reason: pki.IssuedUnknownAuthority, Err: chainErr},
		"of one that was called anyhow": fmt.Errorf("call: %w", &protocol.UnverifiedError{Err: refused}),
	} {
		t.Run(claim, func(t *testing.T) {
			says := problemAfter(err)
			for _, want := range []string{
				pki.Fingerprint(stranger), `names as its issuer "CN=Stranger's CA,`, "key identifier ", onlyIf, "is kept",
			} {
				if !strings.Contains(says, want) {
					t.Errorf("it does not say %s: %s", want, says)
				}
			}
			if len(says) > 1000 {
				t.Errorf("an event cuts its %d bytes: %s", len(says), says)
			}
		})
	}
	invalid := &xmlsig.VerifyError{Reason: xmlsig.UntrustedSigner, Signer: stranger,
		Err: &pki.ChainError{Reason: pki.ChainInvalid, Certificate: stranger, Err: errors.New("not a CA")}}
	says := problemAfter(&protocol.UnverifiedError{Err: invalid})
	if strings.Contains(says, "spec.trust") || !strings.Contains(says, "breaks a rule of X.509") {
		t.Errorf("of an authority that is known: %s", says)
	}
}

func TestProblemOfTheIssuerIsThatOfTheOrder(t *testing.T) {
	order := signNew(sent(now, nil), polled(now, unverified(xmlsig.DigestMismatch)))
	problem := order.Status.IssuerProblem
	if problem == nil || problem.Reason != v1alpha1.ReasonUntrustedResponse ||
		problem.Message != orderstate.Message(order) {
		t.Errorf("the issuer says %+v, the order %+v", problem, order.Status.Conditions)
	}
}
