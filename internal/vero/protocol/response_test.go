package protocol_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

const (
	isOK = "<Result><Status>OK</Status></Result>"
	id   = "<RetrievalId>ABC123</RetrievalId>"
)

// answered is a response with these fields, as Verify would hand it on.
func answered(t testing.TB, operation protocol.Operation, fields string) *etree.Element {
	t.Helper()
	name := "ser:" + string(operation) + "Response"
	return parse(t, "<"+name+` xmlns:ser="`+protocol.Namespace+`">`+fields+"</"+name+">").Root()
}

// read is the error of reading a response to an operation.
func read(payload *etree.Element, operation protocol.Operation) error {
	var err error
	if operation == protocol.GetCertificate {
		_, err = protocol.ReadCertificate(payload)
	} else {
		_, err = protocol.ReadSubmission(payload, operation)
	}
	return err
}

// inDefaultNamespace makes the service's namespace the default one on a field.
func inDefaultNamespace(field string) string {
	return strings.Replace(field, ">", ` xmlns="`+protocol.Namespace+`">`, 1)
}

// qualified gives every field the prefix of the service's namespace.
func qualified(fields string) string {
	return strings.NewReplacer("</", "</ser:", "<", "<ser:").Replace(fields)
}

// failed is a Result that lists these ErrorInfos.
func failed(infos ...string) string {
	return "<Result><Status>FAIL</Status>" + strings.Join(infos, "") + "</Result>"
}

func info(code, text string) string {
	return "<ErrorInfo><ErrorCode>" + code + "</ErrorCode><ErrorMessage>" + text + "</ErrorMessage></ErrorInfo>"
}

func TestARetrievalIDIsReadHoweverItIsWritten(t *testing.T) {
	indented := strings.NewReplacer("<", "\n\t<", "ABC", "\n\tABC", "OK", "\r\nOK ")
	for claim, fields := range map[string]string{
		"as the schema says":                     id + isOK,
		"Result first":                           isOK + id,
		"indented":                               indented.Replace(id + isOK),
		"in CDATA":                               "<RetrievalId><![CDATA[ABC123]]></RetrievalId>" + isOK,
		"a comment inside":                       "<RetrievalId>ABC<!-- a -->123</RetrievalId>" + isOK,
		"with qualified fields":                  qualified(id + isOK),
		"in the default namespace":               inDefaultNamespace(id) + inDefaultNamespace(isOK),
		"beside an element of another namespace": id + isOK + `<RetrievalId xmlns="urn:other">DEF</RetrievalId>`,
		"beside one of a kind that nobody knows": id + isOK + "<More><RetrievalId>DEF</RetrievalId></More>",
	} {
		for _, operation := range []protocol.Operation{protocol.SignNewCertificate, protocol.RenewCertificate} {
			t.Run(claim+"/"+string(operation), func(t *testing.T) {
				got, err := protocol.ReadSubmission(answered(t, operation, fields), operation)
				if err != nil || got != "ABC123" {
					t.Errorf("%q, error %v", got, err)
				}
			})
		}
	}
}

const characters33 = "0123456789" + "0123456789" + "0123456789" + "012"

// unfit are fields of responses to SignNewCertificate that are no response, with what the error says.
var unfit = map[string]struct{ fields, problem string }{
	"nothing":                    {"", "no Result"},
	"no Result":                  {id, "no Result"},
	"Result of another kind":     {id + `<Result xmlns="urn:other"><Status>OK</Status></Result>`, "no Result"},
	"Result too deep":            {id + "<More>" + isOK + "</More>", "no Result"},
	"two Results":                {id + isOK + failed(), "more than one Result"},
	"two Results, one qualified": {id + isOK + qualified(failed()), "more than one Result"},
	"no Status":                  {id + "<Result/>", `Status is ""`},
	"an unknown Status":          {id + "<Result><Status>ok</Status></Result>", `Status is "ok"`},
	"two Statuses":               {id + "<Result><Status>OK</Status><Status>OK</Status></Result>", "more than one Status"},
	"an element in Status":       {id + "<Result><Status>OK<a/></Status></Result>", "elements instead of text"},
	"OK without RetrievalId":     {isOK, "RetrievalId is empty"},
	"OK with an empty one":       {"<RetrievalId> </RetrievalId>" + isOK, "RetrievalId is empty"},
	"OK with two":                {id + id + isOK, "more than one RetrievalId"},
	"OK with a nested one":       {"<RetrievalId><a>b</a></RetrievalId>" + isOK, "elements instead of text"},
	"OK with one too deep":       {"<More>" + id + "</More>" + isOK, "RetrievalId is empty"},
	"OK with 33 characters":      {"<RetrievalId>" + characters33 + "</RetrievalId>" + isOK, "has 33 characters"},
	"OK with a forbidden one":    {"<RetrievalId>a-&#45;b</RetrievalId>" + isOK, "contains --"},
	"OK with a line break in it": {"<RetrievalId>a\nb</RetrievalId>" + isOK, "LINE FEED"},
}

func TestAResponseThatIsNoResponseIsAResponseError(t *testing.T) {
	for claim, test := range unfit {
		t.Run(claim, func(t *testing.T) {
			const operation = protocol.SignNewCertificate
			got, err := protocol.ReadSubmission(answered(t, operation, test.fields), operation)
			var wrong *protocol.ResponseError
			if !errors.As(err, &wrong) || got != "" || !strings.Contains(wrong.Problem, test.problem) {
				t.Fatalf("%q, error %v, want one that says %q", got, err, test.problem)
			}
			checkLine(t, err)
		})
	}
}

func TestAFailIsTheServiceErrorThatSaysMost(t *testing.T) {
	refusal := func(code protocol.Code, text string) protocol.ServiceError {
		return protocol.ServiceError{Code: code, Text: text}
	}
	unknown, general := info("PKI777", "unknown"), info("PKI099", "general")
	credentials, request := info("PKI020", "credentials"), info("PKI030", "request")
	for claim, test := range map[string]struct {
		fields string
		want   protocol.ServiceError
	}{
		"one ErrorInfo":              {failed(credentials), refusal("PKI020", "credentials")},
		"a RetrievalId all the same": {id + failed(credentials), refusal("PKI020", "credentials")},
		"no ErrorInfo":               {failed(), refusal("PKI099", "")},
		"an empty ErrorInfo":         {failed("<ErrorInfo/>"), refusal("PKI099", "")},
		"an ErrorInfo without code":  {failed(info("", "a")), refusal("PKI099", "a")},
		"an unknown code":            {failed(unknown), refusal("PKI777", "unknown")},
		"a known code last":          {failed(unknown, request), refusal("PKI030", "request")},
		"the general one first":      {failed(general, credentials), refusal("PKI020", "credentials")},
		"the general one last":       {failed(credentials, general), refusal("PKI020", "credentials")},
		"general against unknown":    {failed(unknown, general), refusal("PKI099", "general")},
		"two that say as much":       {failed(request, credentials), refusal("PKI030", "request")},
		"qualified":                  {qualified(failed(request)), refusal("PKI030", "request")},
		"one of another namespace": {
			failed(strings.Replace(credentials, "<ErrorInfo", `<ErrorInfo xmlns="urn:other"`, 1), unknown),
			refusal("PKI777", "unknown"),
		},
		"indented":    {failed("<ErrorInfo>\n <ErrorCode>\n  PKI020\n </ErrorCode>\n</ErrorInfo>"), refusal("PKI020", "")},
		"two lines":   {failed(info("PKI020", "a\n  b")), refusal("PKI020", "a b")},
		"unprintable": {failed(info("PKI020", "a\u202eb\u0085c")), refusal("PKI020", "a b c")},
		"too long": {
			failed(info(strings.Repeat("x", 20), strings.Repeat("y", 300))),
			refusal(protocol.Code(strings.Repeat("x", 10)+"…"), strings.Repeat("y", 255)+"…"),
		},
	} {
		t.Run(claim, func(t *testing.T) {
			const operation = protocol.SignNewCertificate
			got, err := protocol.ReadSubmission(answered(t, operation, test.fields), operation)
			if refusal, is := errors.AsType[*protocol.ServiceError](err); !is || *refusal != test.want || got != "" {
				t.Fatalf("%q, error %#v, want %#v", got, err, test.want)
			}
			checkLine(t, err)
		})
	}
}

func TestEveryCodeIsReadFromEveryResponse(t *testing.T) {
	for _, meaning := range protocol.Codes() {
		fields := failed(info(string(meaning.Code), meaning.Text))
		for _, operation := range protocol.Operations() {
			err := read(answered(t, operation, fields), operation)
			var refusal *protocol.ServiceError
			if !errors.As(err, &refusal) || refusal.Code != meaning.Code || refusal.Text != meaning.Text {
				t.Errorf("%s on %s: error %#v", meaning.Code, operation, err)
			}
		}
	}
}

func TestACertificateIsReadHoweverItsBase64IsWritten(t *testing.T) {
	const encoded = "AAECAwQFBgcICQoLDA0ODw=="
	for claim, text := range map[string]string{
		"in one line":           encoded,
		"in lines":              "AAECAwQF\nBgcICQoL\nDA0ODw==\n",
		"in lines with CR":      "AAECAwQF&#13;\nBgcICQoL&#13;\nDA0ODw==",
		"indented with tabs":    "\n\t\tAAECAwQFBgcI\n\t\tCQoLDA0ODw==\n\t",
		"with spaces":           "AAEC AwQF BgcI CQoL DA0O Dw==",
		"a comment between":     "AAECAwQF<!-- a -->BgcICQoLDA0ODw==",
		"as character section":  "<![CDATA[" + encoded + "]]>",
		"the padding by itself": "AAECAwQFBgcICQoLDA0ODw\n==",
	} {
		t.Run(claim, func(t *testing.T) {
			response := answered(t, protocol.GetCertificate, "<Certificate>"+text+"</Certificate>"+isOK)
			got, err := protocol.ReadCertificate(response)
			if want, _ := base64.StdEncoding.DecodeString(encoded); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%x, error %v", got, err)
			}
		})
	}
}

func TestOKWithoutAReadableCertificateIsAResponseError(t *testing.T) {
	for claim, test := range map[string]struct{ fields, problem string }{
		"none":                {isOK, "no Certificate"},
		"an empty one":        {"<Certificate/>" + isOK, "no Certificate"},
		"two":                 {"<Certificate>AA==</Certificate><Certificate/>" + isOK, "more than one Certificate"},
		"elements in it":      {"<Certificate><a/></Certificate>" + isOK, "elements instead of text"},
		"other characters":    {"<Certificate>AA-_</Certificate>" + isOK, "not base64"},
		"no padding":          {"<Certificate>AA</Certificate>" + isOK, "not base64"},
		"PEM without base64":  {"<Certificate>-----BEGIN CERTIFICATE-----</Certificate>" + isOK, "not base64"},
		"nothing but padding": {"<Certificate>====</Certificate>" + isOK, "not base64"},
		"no Result":           {"<Certificate>AA==</Certificate>", "no Result"},
	} {
		t.Run(claim, func(t *testing.T) {
			got, err := protocol.ReadCertificate(answered(t, protocol.GetCertificate, test.fields))
			var wrong *protocol.ResponseError
			if !errors.As(err, &wrong) || got != nil || !strings.Contains(wrong.Problem, test.problem) {
				t.Errorf("%x, error %v, want one that says %q", got, err, test.problem)
			}
		})
	}
}

func TestAResponseToAnotherOperationIsNoResponse(t *testing.T) {
	for _, asked := range protocol.Operations() {
		for _, got := range protocol.Operations() {
			payload := answered(t, got, id+"<Certificate>AA==</Certificate>"+isOK)
			err := protocol.CheckResponse(payload, asked)
			unread := read(payload, asked)
			if asked == got {
				if err != nil || unread != nil {
					t.Errorf("%s: %v, %v", asked, err, unread)
				}
				continue
			}
			if wrong, is := errors.AsType[*protocol.ResponseError](err); !is || !errors.As(unread, &wrong) {
				t.Errorf("%s for %s: %v, %v", got, asked, err, unread)
			}
		}
	}
	for claim, document := range map[string]string{
		"another namespace":  `<SignNewCertificateResponse xmlns="urn:other"/>`,
		"no namespace":       "<SignNewCertificateResponse/>",
		"the request itself": `<SignNewCertificateRequest xmlns="` + protocol.Namespace + `"/>`,
	} {
		err := protocol.CheckResponse(parse(t, document).Root(), protocol.SignNewCertificate)
		if err == nil {
			t.Errorf("%s is a response", claim)
			continue
		}
		checkLine(t, err)
	}
}

func TestThePeekedRetrievalIDIsOneThatCouldBeSent(t *testing.T) {
	for claim, test := range map[string]struct{ fields, want string }{
		"one":                    {id + isOK, "ABC123"},
		"one without Result":     {id, "ABC123"},
		"a qualified one":        {"<ser:RetrievalId>ABC123</ser:RetrievalId>", "ABC123"},
		"none":                   {isOK, ""},
		"two":                    {id + id, ""},
		"two, one qualified":     {id + "<ser:RetrievalId>DEF</ser:RetrievalId>", ""},
		"one with elements":      {"<RetrievalId>a<b/></RetrievalId>", ""},
		"one too deep":           {"<More>" + id + "</More>", ""},
		"one that is too long":   {"<RetrievalId>" + characters33 + "</RetrievalId>", ""},
		"one that is forbidden":  {"<RetrievalId>a/*b</RetrievalId>", ""},
		"one with a line break":  {"<RetrievalId>a\nb</RetrievalId>", ""},
		"one that is all spaces": {"<RetrievalId>  </RetrievalId>", ""},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := protocol.PeekRetrievalID(answered(t, protocol.SignNewCertificate, test.fields)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
