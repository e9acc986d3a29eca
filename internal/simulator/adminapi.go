package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
)

// maximumAdminBytes bounds the body of an admin request.
const maximumAdminBytes = 64 << 10

// maximumMint is how many credentials one request mints.
const maximumMint = 1000

// index is what GET / shows.
const index = `Certificate service simulator: admin interface. NOT FOR PRODUCTION.

POST   /credentials                  {"customerId", "customerName"?, "validity"?, "surfaceAtGet"?, "count"?}
                                     mints transfer credentials
GET    /ca/tls.pem                   anchor of the server certificate
GET    /ca/responses.pem             root and issuing CA of the signer of responses
GET    /ca/issuance.pem              root and issuing CA of customer certificates
GET    /requests                     the last 10000 requests; ?operation= and ?customerId= filter
DELETE /requests                     forgets them
GET    /calls                        how many calls run now, and the most that ever ran at once
GET    /certificates                 issued certificates, the last 20000
POST   /certificates/{serial}/revoke revokes one; the serial number is hexadecimal
POST   /dvv/applications             {"applicant", "organization", "technicalContact", "csr", "validFrom", "file"?,
                                     "delay"?, "issuedOrganization"?, "dropOrganizationalUnit"?, "postponed"?,
                                     "expired"?, "testHierarchy"?, "revoked"?}
                                     applies for an interface certificate of DVV's stamping service
GET    /dvv/applications             applications, the last 2000
GET    /dvv/applications/{reference}/mail
                                     the file that was mailed; 409 before that
GET    /ca/dvv-root.pem              root of DVV; dvv-intermediates.pem: its issuing CA
GET    /ca/dvv-test-root.pem         root that DVV tests with; dvv-test-intermediates.pem: its issuing CA
GET    /crl/dvvsp5rc.crl             what DVV has revoked; dvvtestsp5rc.crl: of the test hierarchy
POST   /messages/accounts            {"systemId", "password", "history"?, "lockAfter"?, "changesPerHour"?,
                                     "tokensSurvive"?, "tokenLifetime"?, "hideLifetime"?, "events"?}
                                     makes an account of the Messages API (/v1/token and so on, beside the service)
GET    /messages/accounts/{systemId} its ledger: log-ins and changes, without passwords
POST   /messages/accounts/{systemId}/password
                                     {"password"} changes it, as somebody else does
POST   /messages/accounts/{systemId}/verify
                                     {"password"} says whether it is the current one; counts as no log-in
POST   /messages/faults              {"kind", "operation"?, "systemId"?, "count"?, "forDuration"?, "probability"?, ...}
                                     scripts a fault of the Messages API
GET    /messages/faults              those that can still strike
DELETE /messages/faults              clears them
POST   /faults                       {"kind", "operation"?, "count"?, "forDuration"?, "probability"?, ...}
                                     scripts a fault
GET    /faults                       the faults that can still strike
DELETE /faults                       clears them
GET    /healthz                      200 while the simulator runs
`

// AdminHandler is the admin interface. It knows no authentication and belongs on loopback.
func (s *Simulator) AdminHandler() http.Handler { return s.adminHandler }

func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showIndex)
	mux.HandleFunc("GET /healthz", func(writer http.ResponseWriter, _ *http.Request) {
		_, _ = writer.Write([]byte("ok\n"))
	})
	mux.HandleFunc("POST /credentials", s.mint)
	mux.HandleFunc("GET /ca/{file}", s.showBundle)
	mux.HandleFunc("GET /requests", func(writer http.ResponseWriter, incoming *http.Request) {
		query := incoming.URL.Query()
		reply(writer, http.StatusOK, s.requests.list(query.Get("operation"), query.Get("customerId")))
	})
	mux.HandleFunc("DELETE /requests", func(writer http.ResponseWriter, _ *http.Request) {
		s.requests.clear()
		writer.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /calls", func(writer http.ResponseWriter, _ *http.Request) {
		reply(writer, http.StatusOK, s.gauge.read())
	})
	mux.HandleFunc("GET /certificates", func(writer http.ResponseWriter, _ *http.Request) {
		reply(writer, http.StatusOK, s.orders.certificates(s.clock.Now()))
	})
	mux.HandleFunc("POST /certificates/{serial}/revoke", s.revoke)
	mux.HandleFunc("POST /faults", s.scriptFault)
	mux.HandleFunc("GET /faults", func(writer http.ResponseWriter, _ *http.Request) {
		entries := s.faults.List(s.clock.Now())
		listed := make([]admin.Fault, 0, len(entries))
		for _, entry := range entries {
			listed = append(listed, scripted(entry.Fault, entry.Terms))
		}
		reply(writer, http.StatusOK, listed)
	})
	mux.HandleFunc("DELETE /faults", func(writer http.ResponseWriter, _ *http.Request) {
		s.faults.Clear()
		writer.WriteHeader(http.StatusNoContent)
	})
	s.routeApplications(mux)
	s.routeAccounts(mux)
	return mux
}

// showIndex lists the endpoints, and the variants, faults and files of DVV by name.
func (s *Simulator) showIndex(writer http.ResponseWriter, _ *http.Request) {
	var page strings.Builder
	page.WriteString(index + "\nKinds of faults:\n")
	for _, kind := range admin.FaultKinds() {
		page.WriteString("  " + string(kind) + "\n")
	}
	page.WriteString("\nKinds of faults of the Messages API:\n")
	for _, kind := range admin.MessagesFaultKinds() {
		page.WriteString("  " + string(kind) + "\n")
	}
	page.WriteString("\nFiles that DVV mails (pkcs12 opens with " + admin.PKCS12Password + "):\n")
	for _, file := range admin.MailedFiles() {
		page.WriteString("  " + string(file) + "\n")
	}
	page.WriteString("\nVariants of responses (--signature-variant " + s.options.SignatureVariant + "):\n")
	for _, variant := range response.Variants() {
		_, _ = fmt.Fprintf(&page, "  %-30s %s\n", variant.Name, variant.Explanation)
	}
	writer.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = writer.Write([]byte(page.String()))
}

// Mint makes transfer credentials, as POST /credentials does.
func (s *Simulator) Mint(wanted admin.MintRequest) (admin.MintResponse, error) {
	if err := checkMint(wanted); err != nil {
		return admin.MintResponse{}, err
	}
	validity := time.Duration(wanted.Validity)
	if validity == 0 {
		validity = s.options.CredentialValidity
	}
	var minted admin.MintResponse
	for range max(wanted.Count, 1) {
		minted.Credentials = append(minted.Credentials, s.credentials.mint(wanted, s.clock.Now().Add(validity)))
	}
	minted.Credential = minted.Credentials[0]
	return minted, nil
}

// checkMint keeps names out that no message could bear, and lives that make no sense.
func checkMint(wanted admin.MintRequest) error {
	switch {
	case wanted.CustomerID == "":
		return errors.New("customerId is missing")
	case !printable(wanted.CustomerID, 30):
		return errors.New("customerId has more than 30 characters, or unprintable ones")
	case !printable(wanted.CustomerName, 100):
		return errors.New("customerName has more than 100 characters, or unprintable ones")
	case wanted.Validity < 0:
		return errors.New("validity is negative")
	case wanted.Count < 0 || wanted.Count > maximumMint:
		return fmt.Errorf("count is not one of 1 to %d", maximumMint)
	}
	return nil
}

func printable(text string, maximum int) bool {
	for _, character := range text {
		if !unicode.IsPrint(character) {
			return false
		}
	}
	return utf8.RuneCountInString(text) <= maximum
}

func (s *Simulator) mint(writer http.ResponseWriter, incoming *http.Request) {
	var wanted admin.MintRequest
	if !read(writer, incoming, &wanted) {
		return
	}
	minted, err := s.Mint(wanted)
	if err != nil {
		refuseAdmin(writer, http.StatusBadRequest, err)
		return
	}
	s.log.Info("Minted transfer credentials", "customerId", wanted.CustomerID, "count", len(minted.Credentials))
	reply(writer, http.StatusCreated, minted)
}

func (s *Simulator) showBundle(writer http.ResponseWriter, incoming *http.Request) {
	name, isPEM := strings.CutSuffix(incoming.PathValue("file"), ".pem")
	bundle := s.authorities.PEM(authority.Bundle(name))
	if strings.HasPrefix(name, "dvv-") {
		hierarchies, err := s.authorities.DVV()
		if err != nil {
			refuseAdmin(writer, http.StatusInternalServerError, err)
			return
		}
		bundle = hierarchies.PEM(authority.DVVBundle(name))
	}
	if !isPEM || bundle == nil {
		refuseAdmin(writer, http.StatusNotFound, errors.New("the bundles are tls.pem, responses.pem, issuance.pem, "+
			"dvv-root.pem, dvv-intermediates.pem, dvv-test-root.pem and dvv-test-intermediates.pem"))
		return
	}
	writer.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = writer.Write(bundle)
}

func (s *Simulator) revoke(writer http.ResponseWriter, incoming *http.Request) {
	serial := strings.ToLower(incoming.PathValue("serial"))
	revoked, known := s.orders.revoke(serial, s.clock.Now())
	if !known {
		refuseAdmin(writer, http.StatusNotFound,
			fmt.Errorf("no certificate with the serial number %s was issued since the simulator started", serial))
		return
	}
	s.log.Info("Revoked a certificate", "certificate", serial)
	reply(writer, http.StatusOK, revoked)
}

func (s *Simulator) scriptFault(writer http.ResponseWriter, incoming *http.Request) {
	var wanted admin.Fault
	if !read(writer, incoming, &wanted) {
		return
	}
	if err := wanted.Validate(); err != nil {
		refuseAdmin(writer, http.StatusBadRequest, err)
		return
	}
	terms, err := s.faults.Add(wanted, termsOf(wanted), s.clock.Now())
	if err != nil {
		refuseAdmin(writer, http.StatusConflict, err)
		return
	}
	s.log.Info("Scripted a fault", "id", terms.ID, "kind", wanted.Kind, "operation", wanted.Operation)
	reply(writer, http.StatusCreated, scripted(wanted, terms))
}

// read decodes a JSON body. It insists on the content type, which a web page cannot set on a request to another
// origin without being asked: the listener is on loopback, and so is the user's browser.
func read(writer http.ResponseWriter, incoming *http.Request, into any) bool {
	media, _, err := mime.ParseMediaType(incoming.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		refuseAdmin(writer, http.StatusUnsupportedMediaType, errors.New("the Content-Type is not application/json"))
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(writer, incoming.Body, maximumAdminBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		refuseAdmin(writer, http.StatusBadRequest, fmt.Errorf("reading the JSON body: %w", err))
		return false
	}
	return true
}

func reply(writer http.ResponseWriter, status int, body any) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	// A client that has gone away needs no response.
	_ = json.NewEncoder(writer).Encode(body)
}

func refuseAdmin(writer http.ResponseWriter, status int, err error) {
	reply(writer, status, admin.Failure{Error: err.Error()})
}
