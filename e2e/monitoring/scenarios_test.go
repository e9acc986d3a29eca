package monitoring_test

import (
	"context"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customerID = "0123456-7"
	day        = 24 * time.Hour
	// callTimeout lets calls that hang end soon, and those of all scenarios at once be answered on a busy machine.
	callTimeout = 15 * time.Second
)

// scenario is a namespace with an issuer, a certificate service of its own, and something that happens there.
type scenario struct {
	namespace string
	// service are arguments of the simulator.
	service []string
	// bundleless leaves out the bundles that the issuer names.
	bundleless bool
	act        func(context.Context, *scenarioRun) error
}

// scenarios are all that alerts and panels are about, side by side.
func scenarios() []scenario {
	return []scenario{
		{namespace: "tax-reporting", act: issueMany},
		{namespace: "payroll", service: living(90 * time.Second), act: renewAtOnce},
		{namespace: "customs", service: living(45 * day), act: renewRefused("PKI010")},
		{namespace: "harbour", service: living(9 * day), act: renewRefused("PKI030")},
		{namespace: "accounting", act: waitForCredentials},
		{namespace: "invoicing", bundleless: true, act: waitForIssuer},
		{namespace: "logistics", act: scripted(admin.Fault{
			Operation: "GetCertificate", Kind: admin.StrangerSignature, ForDuration: always,
		})},
		{namespace: "warehouse", act: scripted(admin.Fault{
			Operation: "SignNewCertificate", Kind: admin.TimeoutAfter, ForDuration: always,
		})},
		{namespace: "fleet", act: scripted(admin.Fault{
			Operation: "GetCertificate", Kind: admin.WrongCertificate, Variant: admin.AnotherKey, ForDuration: always,
		})},
		{namespace: "archive", act: mistypePassword},
		{namespace: "web-shop", act: askForNames},
		{namespace: "sandbox", act: nameNoIssuer},
		{namespace: "stamping", act: leaveToAPerson},
		{namespace: mail, act: rotatePasswords},
	}
}

// always is longer than any scenario.
const always = admin.Duration(time.Hour)

// living lets certificates live so long, and be renewed all the time.
func living(validity time.Duration) []string {
	return []string{
		fmt.Sprintf("--validity=%s", validity), fmt.Sprintf("--renewal-window=%s", validity), "--processing-delay=1s",
	}
}

// counted says, in queries, what has to be counted before a recording may end.
func counted() map[string]string {
	return map[string]string{
		"certificates are issued": `varmenne_orders{state="Issued"} >= 6`,
		"renewals are issued":     `sum(varmenne_time_to_issue_seconds_count{operation="RenewCertificate"}) > 0`,
		"a password is rotated":   `varmenne_messages_rotations_total > 0`,
	}
}

// standing says what has to be seen whichever replica works.
func standing() map[string]string {
	const (
		request = `varmenne_certificaterequest_pending_created_timestamp_seconds`
		order   = `varmenne_orders_pending_oldest_created_timestamp_seconds`
		failing = `varmenne_renewal_failing_expiration_timestamp_seconds`
		written = `varmenne_transfer_credentials_written_timestamp_seconds`
		ready   = `varmenne_issuer_ready`
		person  = `varmenne_person_due_timestamp_seconds{namespace="stamping",`
		needed  = `varmenne_messages_person_needed_since_timestamp_seconds{namespace="messages",`
	)
	return map[string]string{
		"a renewal is failing":                   failing + `{namespace="customs",reason="SignatureRefused"}`,
		"another one, too":                       failing + `{namespace="harbour",reason="RequestRefused"}`,
		"a request waits for credentials":        request + `{namespace="accounting",reason="WaitingForCredentials"}`,
		"transfer credentials lie unspent":       written + `{namespace="invoicing"}`,
		"a request waits for its issuer":         request + `{namespace="invoicing",reason="IssuerNotReady"}`,
		"an issuer lacks its bundles":            ready + `{namespace="invoicing",reason="BundleNotFound"} == 0`,
		"an issuer does not trust what it hears": ready + `{namespace="logistics",reason="UntrustedResponse"} == 0`,
		"an order is uncertain":                  order + `{namespace="warehouse",reason=~"Submitting|SubmissionUncertain"}`,
		"an order gets wrong certificates":       order + `{namespace="fleet",reason="WrongCertificate"}`,
		"refused credentials are to be replaced": request + `{namespace="archive",reason="WaitingForCredentials"}`,
		"a request can never be satisfied":       request + `{namespace="web-shop",reason="InvalidRequest"}`,
		"an application is due":                  person + `certificate="interface",reason="ApplicationDue"}`,
		"a tracked certificate ends soon":        person + `name="seal",reason="ExpiringSoon"}`,
		"a password is refused":                  needed + `name="refused",reason="PasswordRefused"}`,
		"a password is missing":                  needed + `name="missing",reason="SecretNotFound"}`,
		"a service of passwords is away":         `varmenne_messages_password_ready{reason="ServiceUnavailable"} == 0`,
		"messages are fetched late":              `varmenne_messages_retrieval_late == 1`,
		"a request names no issuer":              request + `{namespace="sandbox",reason="IssuerNotFound"}`,
	}
}

// takenOver says that the second replica works.
func takenOver() map[string]string {
	return map[string]string{"the second replica works": fmt.Sprintf(`varmenne_orders{state="Issued",pod=%q}`, second)}
}

// issueMany lets certificates be issued, some of them later than others.
func issueMany(ctx context.Context, a *scenarioRun) error {
	for _, name := range []string{"incomes-register", "vat", "excise-duty"} {
		if err := a.order(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// renewAtOnce lets a certificate be renewed as soon as it is there.
func renewAtOnce(ctx context.Context, a *scenarioRun) error {
	return a.orderWith(ctx, "salaries", func(c *cmapi.Certificate) {
		c.Spec.RenewBefore = &metav1.Duration{Duration: 80 * time.Second}
	})
}

// renewRefused asks for a renewal that the service refuses with a code.
func renewRefused(code string) func(context.Context, *scenarioRun) error {
	return func(ctx context.Context, a *scenarioRun) error {
		if _, err := a.service.Script(ctx, admin.Fault{
			Operation: "RenewCertificate", Kind: admin.ResultFail, Code: code, ForDuration: always,
		}); err != nil {
			return err
		}
		lives, err := time.ParseDuration(a.validity())
		if err != nil {
			return err
		}
		return a.orderWith(ctx, "declarations", func(c *cmapi.Certificate) {
			c.Spec.RenewBefore = &metav1.Duration{Duration: lives - time.Second}
		})
	}
}

// waitForCredentials asks for a certificate and has nothing to pay with.
func waitForCredentials(ctx context.Context, a *scenarioRun) error {
	return a.certificate(ctx, "ledger", nil)
}

// waitForIssuer lets credentials lie there that are old already, while the issuer lacks its bundles.
func waitForIssuer(ctx context.Context, a *scenarioRun) error {
	if err := a.credentials(ctx, "e-invoices", ""); err != nil {
		return err
	}
	if err := a.age(ctx, "e-invoices", 12*day+7*time.Hour); err != nil {
		return err
	}
	return a.certificate(ctx, "e-invoices", nil)
}

// scripted lets the service misbehave.
func scripted(fault admin.Fault) func(context.Context, *scenarioRun) error {
	return func(ctx context.Context, a *scenarioRun) error {
		if _, err := a.service.Script(ctx, fault); err != nil {
			return err
		}
		return a.order(ctx, "transport")
	}
}

// mistypePassword makes a typing error in the password.
func mistypePassword(ctx context.Context, a *scenarioRun) error {
	if err := a.credentials(ctx, "records", "mistyped"); err != nil {
		return err
	}
	return a.certificate(ctx, "records", nil)
}

// askForNames asks for what the service does not certify.
func askForNames(ctx context.Context, a *scenarioRun) error {
	return a.certificate(ctx, "shop", func(c *cmapi.Certificate) { c.Spec.DNSNames = []string{"shop.example.org"} })
}

// nameNoIssuer makes a typing error in the name of the issuer.
func nameNoIssuer(ctx context.Context, a *scenarioRun) error {
	return a.certificate(ctx, "trial", func(c *cmapi.Certificate) { c.Spec.IssuerRef.Name = "veor" })
}
