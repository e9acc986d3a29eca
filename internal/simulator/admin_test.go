package simulator_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

func TestMintedCredentialsFitTheSchemaAndDiffer(t *testing.T) {
	s := start(t, nil)
	minted := must.Get(s.admin.MintMany(t.Context(), admin.MintRequest{
		CustomerID: customerID, CustomerName: customerName, Count: 50, SurfaceAtGet: true,
	}))(t)
	seen := map[string]bool{}
	for _, credential := range minted {
		m := message{transferID: credential.TransferID, password: credential.TransferPassword}
		if got := s.post(protocol.SignNewCertificate, m.payload(protocol.SignNewCertificate)); got.fault != "" {
			t.Fatal(got.fault)
		}
		if seen[credential.TransferID] || seen[credential.TransferPassword] {
			t.Fatal("a value repeats")
		}
		seen[credential.TransferID], seen[credential.TransferPassword] = true, true
		if !credential.ExpiresAt.Equal(s.clock.Now().Add(14*day)) || !credential.SurfaceAtGet ||
			credential.CustomerName != customerName {
			t.Fatalf("minted %s until %s", credential, credential.ExpiresAt)
		}
	}
	if len(seen) != 100 {
		t.Fatalf("%d values", len(seen))
	}
}

func TestNoFormatVerbPrintsAPassword(t *testing.T) {
	credential := admin.Credential{TransferID: "ID", TransferPassword: "secret"}
	for _, value := range []any{credential, &credential, admin.MintResponse{Credential: credential}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if printed := fmt.Sprintf(verb, value); strings.Contains(printed, "secret") {
				t.Errorf("%s of a %T prints %s", verb, value, printed)
			}
		}
	}
}

func TestTheRequestLogTellsWhatWasAskedButNoPassword(t *testing.T) {
	s := start(t, nil)
	key, next := keys(t)
	credential := s.mint(admin.MintRequest{})
	accepted := s.signNew(credential, requestFor(t, key)).want(t, "OK")
	s.clock.Step(10 * time.Second)
	certificate := s.get(accepted.retrievalID).want(t, "OK").certificate
	s.renew(message{request: requestFor(t, next)}, key, certificate).want(t, "PKI080")
	s.send(t.Context(), protocol.GetCertificate, "nonsense")

	requests, err := s.admin.Requests(t.Context(), "", "")
	if err != nil || len(requests) != 4 {
		t.Fatalf("%d requests, error %v", len(requests), err)
	}
	serial := certificate.SerialNumber.Text(16)
	first, second, third, last := requests[0], requests[1], requests[2], requests[3]
	if first.TransferID != credential.TransferID || first.RetrievalID != accepted.retrievalID || !first.Accepted ||
		first.CertificateSerial != serial || len(first.PublicKeyDigest) != 64 || first.Code != "OK" ||
		first.HTTPStatus != 200 || first.RemoteAddress == "" || first.Variant != "exclusive" {
		t.Errorf("SignNew: %+v", first)
	}
	if second.RetrievalID != accepted.retrievalID || second.CertificateSerial != serial || !second.Accepted ||
		!second.Time.Equal(s.clock.Now()) {
		t.Errorf("Get: %+v", second)
	}
	if third.SignerSerial != serial || third.Code != "PKI080" || third.Accepted || third.Detail == "" {
		t.Errorf("Renew: %+v", third)
	}
	if last.HTTPStatus != 500 || last.Operation != "" || last.Detail == "" || last.Accepted {
		t.Errorf("nonsense: %+v", last)
	}
	encoded, err := json.Marshal(requests)
	if err != nil || bytes.Contains(encoded, []byte(credential.TransferPassword)) {
		t.Errorf("the log holds the password, or %v", err)
	}
}

func TestTheRequestLogFiltersAndForgets(t *testing.T) {
	s := start(t, nil)
	s.get("A")
	s.post(protocol.GetCertificate, message{customerID: "7654321-0"}.payload(protocol.GetCertificate))
	s.signNew(admin.Credential{CustomerID: customerID}, "AAAA")
	count := func(operation, customer string) int {
		return len(must.Get(s.admin.Requests(t.Context(), operation, customer))(t))
	}
	if count("", "") != 3 || count("GetCertificate", "") != 2 || count("", customerID) != 2 ||
		count("GetCertificate", customerID) != 1 {
		t.Error("the filters do not filter")
	}
	if err := s.admin.ClearRequests(t.Context()); err != nil || count("", "") != 0 {
		t.Errorf("the log is not empty, or %v", err)
	}
}

func TestCertificatesAreListedOnceIssuedAndCanBeRevoked(t *testing.T) {
	s := start(t, nil)
	accepted := s.accepted(t)
	list := func() []admin.Certificate { return must.Get(s.admin.Certificates(t.Context()))(t) }
	if listed := list(); len(listed) != 0 {
		t.Fatalf("listed before it was processed: %+v", listed)
	}
	s.clock.Step(10 * time.Second)
	certificate := s.get(accepted.retrievalID).want(t, "OK").certificate
	listed := list()
	if len(listed) != 1 || listed[0].CustomerID != customerID || listed[0].RetrievalID != accepted.retrievalID ||
		listed[0].Operation != "SignNewCertificate" || listed[0].RevokedAt != nil {
		t.Fatalf("listed %+v", listed)
	}
	if block, _ := pem.Decode([]byte(listed[0].PEM)); block == nil || !bytes.Equal(block.Bytes, certificate.Raw) {
		t.Fatal("the PEM is not the certificate")
	}
	revoked, err := s.admin.Revoke(t.Context(), strings.ToUpper(listed[0].Serial))
	if err != nil || revoked.RevokedAt == nil || !revoked.RevokedAt.Equal(s.clock.Now()) {
		t.Fatalf("revoked %+v, error %v", revoked, err)
	}
	s.clock.Step(time.Minute)
	again, err := s.admin.Revoke(t.Context(), listed[0].Serial)
	if err != nil || !again.RevokedAt.Equal(*revoked.RevokedAt) || !list()[0].RevokedAt.Equal(*revoked.RevokedAt) {
		t.Fatalf("revoked again %+v, error %v", again, err)
	}
	var failure *admin.Error
	if _, err := s.admin.Revoke(t.Context(), "abc"); !errors.As(err, &failure) || failure.Status != 404 {
		t.Fatalf("revoking the unknown: %v", err)
	}
}

func TestTheAdminInterfaceRefusesNonsense(t *testing.T) {
	s := start(t, nil)
	server := httptest.NewServer(s.simulator.AdminHandler())
	defer server.Close()
	customer31 := `{"customerId":"` + strings.Repeat("1", 31) + `"}`
	const post, mint, faults, applicationJSON = "POST", "/credentials", "/faults", "application/json"
	for claim, asked := range map[string]struct {
		method, path, body, contentType string
		status                          int
	}{
		"credentials without a customer": {post, mint, `{}`, applicationJSON, 400},
		"credentials for a long id":      {post, mint, customer31, applicationJSON, 400},
		"credentials with a line break":  {post, mint, `{"customerId":"1","customerName":"a\nb"}`, applicationJSON, 400},
		"too many credentials":           {post, mint, `{"customerId":"1","count":1001}`, applicationJSON, 400},
		"a negative validity":            {post, mint, `{"customerId":"1","validity":"-1s"}`, applicationJSON, 400},
		"a validity in seconds":          {post, mint, `{"customerId":"1","validity":10}`, applicationJSON, 400},
		"an unknown field":               {post, mint, `{"customerID":"1","lifetime":1}`, applicationJSON, 400},
		"a form":                         {post, mint, `{"customerId":"1"}`, "text/plain", 415},
		"no JSON":                        {post, faults, `nothing`, applicationJSON, 400},
		"an unknown fault":               {post, faults, `{"kind":"sulk"}`, applicationJSON, 400},
		"an unknown operation":           {post, faults, `{"kind":"slow","operation":"get"}`, applicationJSON, 400},
		"a probability of 101":           {post, faults, `{"kind":"slow","probability":101}`, applicationJSON, 400},
		"a status of 200":                {post, faults, `{"kind":"http-status","status":200}`, applicationJSON, 400},
		"a long code":                    {post, faults, `{"kind":"result","code":"12345678901"}`, applicationJSON, 400},
		"an unknown certificate":         {post, faults, `{"kind":"wrong-certificate","variant":"x"}`, applicationJSON, 400},
		"a negative count":               {post, faults, `{"kind":"slow","count":-1}`, applicationJSON, 400},
		"a negative distance":            {post, faults, `{"kind":"http-status","retryAfter":"-1s"}`, applicationJSON, 400},
		"an unknown bundle":              {"GET", "/ca/all.pem", "", "", 404},
		"a bundle that is not PEM":       {"GET", "/ca/tls", "", "", 404},
		"an unknown bundle of DVV":       {"GET", "/ca/dvv-signer.pem", "", "", 404},
		"an unknown CRL":                 {"GET", "/crl/dvvsp5ec.crl", "", "", 404},
		"an application as a form":       {post, "/dvv/applications", `{}`, "text/plain", 415},
		"an unknown path":                {"GET", "/nothing", "", "", 404},
		"another method":                 {"PUT", "/faults", "", "", 405},
	} {
		t.Run(claim, func(t *testing.T) {
			outgoing := must.Get(http.NewRequestWithContext(t.Context(), asked.method, server.URL+asked.path,
				strings.NewReader(asked.body)))(t)
			outgoing.Header.Set("Content-Type", asked.contentType)
			incoming := must.Get(http.DefaultClient.Do(outgoing))(t)
			defer func() { _ = incoming.Body.Close() }()
			if incoming.StatusCode != asked.status {
				body, _ := io.ReadAll(incoming.Body)
				t.Fatalf("answered %d %s, want %d", incoming.StatusCode, body, asked.status)
			}
		})
	}
}

func TestTheIndexListsEndpointsFaultsAndVariants(t *testing.T) {
	s := start(t, nil)
	recorder := httptest.NewRecorder()
	s.simulator.AdminHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	page := recorder.Body.String()
	must.Contain(t, page, "/credentials", "/ca/tls.pem", "/requests", "/calls", "/certificates", "/faults", "/healthz",
		"seen-in-the-wild", "/dvv/applications", "/ca/dvv-root.pem", "/crl/dvvsp5rc.crl")
	for _, kind := range admin.FaultKinds() {
		must.Contain(t, page, string(kind))
	}
	for _, file := range admin.MailedFiles() {
		must.Contain(t, page, "  "+string(file)+"\n")
	}
	must.Do(t, s.admin.Healthy(t.Context()))
}

func TestTheBundlesShareNoCertificate(t *testing.T) {
	s := start(t, nil)
	var seen [][]byte
	for _, fetch := range []func() ([]byte, error){
		func() ([]byte, error) { return s.admin.TLSBundle(t.Context()) },
		func() ([]byte, error) { return s.admin.ResponsesBundle(t.Context()) },
		func() ([]byte, error) { return s.admin.IssuanceBundle(t.Context()) },
		func() ([]byte, error) { return s.admin.DVVRoot(t.Context()) },
		func() ([]byte, error) { return s.admin.DVVIntermediates(t.Context()) },
		func() ([]byte, error) { return s.admin.DVVTestRoot(t.Context()) },
	} {
		bundle := must.Get(fetch())(t)
		for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
			if slices.ContainsFunc(seen, func(other []byte) bool { return bytes.Equal(other, block.Bytes) }) {
				t.Error("two bundles hold one certificate")
			}
			seen = append(seen, block.Bytes)
		}
	}
	if len(seen) != 8 {
		t.Errorf("the bundles hold %d certificates, want 1, 2, 2 and three times 1", len(seen))
	}
}
