package protocol_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/referee"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// golden are the messages by the names of the files that show them as they go over the wire.
func golden() map[string]message {
	withoutName := signNew()
	withoutName.CustomerName, withoutName.Environment = "", protocol.Production
	special := signNew()
	special.CustomerName = `Ääkkönen & <Pojat> "Oy" 'Ab' 日本 ` + "\U0001F600"
	special.TransferID = `<&>'"-/.*`
	special.TransferPassword = protocol.NewPassword("&#38;<![CDATA[")
	shortest := get()
	shortest.CustomerName, shortest.RetrievalID = "", "R"
	return map[string]message{
		"sign-new":                    signNew(),
		"sign-new-without-name":       withoutName,
		"sign-new-special-characters": special,
		"renew":                       renew(),
		"get":                         get(),
		"get-without-name":            shortest,
	}
}

func TestMessagesGoOverTheWireAsInTheirFiles(t *testing.T) {
	messages := golden()
	for name, message := range messages {
		t.Run(name, func(t *testing.T) {
			want := must.Get(os.ReadFile(filepath.Join("testdata", "messages", name+".xml")))(t)
			if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), string(wrapped(t, message))); diff != "" {
				t.Errorf("-file +written\n%s", diff)
			}
		})
	}
	files, err := filepath.Glob("testdata/messages/*.xml")
	if err != nil || len(files) != len(messages) {
		t.Errorf("%d files for %d messages (error %v)", len(files), len(messages), err)
	}
}

// wrapped is a message as it is sent, without a signature.
func wrapped(t testing.TB, message message) []byte {
	t.Helper()
	payload := must.Get(message.Payload())(t)
	return must.Get(protocol.Wrap(payload))(t)
}

func TestMessagesFitTheSchemaOfTheService(t *testing.T) {
	for name, message := range golden() {
		t.Run(name, func(t *testing.T) {
			if _, needsSignature := message.(*protocol.Renew); needsSignature {
				return // the next test
			}
			must.Do(t, referee.Validate(t, schemaPath, payloadIn(t, wrapped(t, message))))
		})
	}
}

func TestASignedRenewalFitsTheSchemaAndVerifiesInItsEnvelope(t *testing.T) {
	authority := pkitest.Root(t, "Customers CA")
	key := pkitest.Key("customer")
	special := renew()
	special.CustomerName = `Ääkkönen & <Pojat> "Oy" 'Ab'`
	for claim, message := range map[string]*protocol.Renew{"plain": renew(), "special characters": special} {
		t.Run(claim, func(t *testing.T) {
			payload := must.Get(message.Payload())(t)
			if err := referee.Validate(t, schemaPath, written(t, payload)); err == nil {
				t.Error("the schema takes a renewal without a signature, so it proves nothing")
			}
			// Not the customer's own name: what is asked of xmlsig here is to verify responses.
			signed := must.Get(xmlsig.Sign(payload, key, authority.Issue(t, key, "Renewal")))(t)
			document := must.Get(protocol.Wrap(signed))(t)
			must.Do(t, referee.Validate(t, schemaPath, payloadIn(t, document)))
			sent := must.Get(protocol.Unwrap(parse(t, string(document))))(t)
			signers := xmlsig.Signers{Trust: trust(t, authority), Now: pkitest.Now}
			if _, err := xmlsig.Verify(sent, signers); err != nil {
				t.Errorf("%v\n%s", err, document)
			}
		})
	}
}

// Values of the greatest length in the characters that take most bytes, and of the smallest: the schema counts
// characters.
func TestTheGreatestAndTheSmallestMessagesFitTheSchema(t *testing.T) {
	long, wide := strings.Repeat("~", 32), strings.Repeat("\uFF5E", 100)
	for claim, message := range map[string]*protocol.SignNew{
		"greatest": {
			Party:      protocol.Party{Environment: protocol.Production, CustomerID: long[:30], CustomerName: wide},
			TransferID: long, TransferPassword: protocol.NewPassword(long[:16]),
			CSR: append([]byte{0x30, 0x82, 0xff, 0xfc}, make([]byte, 0xfffc)...),
		},
		"smallest": {
			Party:      protocol.Party{Environment: protocol.Test, CustomerID: "1"},
			TransferID: "1", TransferPassword: protocol.NewPassword("1"), CSR: []byte{0x30, 0x00},
		},
	} {
		t.Run(claim, func(t *testing.T) { must.Do(t, referee.Validate(t, schemaPath, payloadIn(t, wrapped(t, message)))) })
	}
}

func TestAMessageNamesEveryRuleThatItBreaksInOneLine(t *testing.T) {
	const password = "pass--word"
	message := &protocol.SignNew{
		Party:      protocol.Party{Environment: "QA", CustomerID: "01234567", CustomerName: "a/*b"},
		TransferID: "line\nbreak", TransferPassword: protocol.NewPassword(password),
	}
	_, err := message.Payload()
	var broken protocol.FieldErrors
	if !errors.As(err, &broken) {
		t.Fatalf("error of type %T", err)
	}
	fields := make([]string, 0, len(broken))
	for _, field := range broken {
		fields = append(fields, field.Field)
	}
	want := []string{"Environment", "CustomerId", "CustomerName", "TransferId", "TransferPassword", "CertificateRequest"}
	if !slices.Equal(fields, want) {
		t.Errorf("fields %v, want %v", fields, want)
	}
	for _, field := range want {
		if !strings.Contains(err.Error(), field+" ") {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q", err)
	}
	if first, is := errors.AsType[*protocol.FieldError](err); !is || first.Field != "Environment" {
		t.Errorf("errors.As finds %v", first)
	}
}

func TestOnlyTheRootOfAPayloadIsQualifiedAndDeclaresItsOwnPrefix(t *testing.T) {
	for operation, message := range map[protocol.Operation]message{
		protocol.SignNewCertificate: signNew(), protocol.RenewCertificate: renew(), protocol.GetCertificate: get(),
	} {
		payload := must.Get(message.Payload())(t)
		if payload.Parent() != nil || payload.NamespaceURI() != protocol.Namespace ||
			payload.Tag != string(operation)+"Request" {
			t.Errorf("%s: the payload is %s in the namespace %q", operation, payload.FullTag(), payload.NamespaceURI())
		}
		for _, field := range payload.ChildElements() {
			if field.NamespaceURI() != "" || len(field.Attr) > 0 || field.Text() == "" {
				t.Errorf("%s: the field %s is qualified, has attributes or is empty", operation, field.FullTag())
			}
		}
	}
}

func TestAPayloadIsMadeAnewEachTime(t *testing.T) {
	message := get()
	first := must.Get(message.Payload())(t)
	first.CreateElement("Another")
	second := must.Get(message.Payload())(t)
	if first == second || len(second.ChildElements()) != 4 {
		t.Errorf("%s", written(t, second))
	}
}

func TestOperationsHaveTheirSOAPActions(t *testing.T) {
	want := map[protocol.Operation]string{
		protocol.SignNewCertificate: `"signNewCertificate"`,
		protocol.RenewCertificate:   `"renewCertificate"`,
		protocol.GetCertificate:     `"getCertificate"`,
		"":                          `""`,
	}
	for operation, action := range want {
		if got := operation.SOAPAction(); got != action {
			t.Errorf("%q: %s, want %s", operation, got, action)
		}
	}
	if operations := protocol.Operations(); len(operations) != 3 {
		t.Errorf("operations %v", operations)
	}
}

func BenchmarkSignNewPayload(b *testing.B) {
	message := signNew()
	message.CSR = append([]byte{0x30, 0x82, 0x03, 0x00}, make([]byte, 0x300)...)
	b.ReportAllocs()
	for b.Loop() {
		payload := must.Get(message.Payload())(b)
		must.Get(protocol.Wrap(payload))(b)
	}
}
