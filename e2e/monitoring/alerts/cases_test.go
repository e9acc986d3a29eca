package alerts_test

import (
	"fmt"
	"maps"
	"time"
)

// Series that rows change, without the end of their labels.
const (
	day     = 24 * time.Hour
	gone    = " stale _x300"
	request = `varmenne_certificaterequest_pending_created_timestamp_seconds{` +
		`namespace="tax",certificate="c",request="c-1",pod="a",`
	failing = `varmenne_renewal_failing_expiration_timestamp_seconds{` +
		`namespace="tax",certificate="c",request="c-1",pod="a",`
	order = `varmenne_orders_pending_oldest_created_timestamp_seconds` +
		`{namespace="tax",operation="SignNewCertificate",pod="a",`
	person   = `varmenne_person_due_timestamp_seconds{namespace="tax",certificate="c",name="manual-1",pod="a",`
	expiring = `varmenne_person_due_timestamp_seconds` +
		`{namespace="tax",certificate="",kind="TrackedCertificate",name="seal",`
	ends      = `varmenne_tracked_certificate_expiration_timestamp_seconds{namespace="tax",name="seal",pod="a"} `
	issuer    = `varmenne_issuer_ready{kind="VeroIssuer",namespace="tax",name="vero",pod="a",reason=`
	checked   = `varmenne_issuer_ready{kind="VeroIssuer",namespace="tax",name="vero",reason="Checked",pod="a"}`
	lastCheck = `varmenne_issuer_last_check_timestamp_seconds{kind="VeroIssuer",namespace="tax",name="vero",`
	written   = `varmenne_transfer_credentials_written_timestamp_seconds` +
		`{namespace="tax",secret="old",certificate="c",request="c-1",pod="a"} `
	responses = `varmenne_service_requests_total{operation=`
	leader    = `{component="controller",job="varmenne",namespace="issuers",pod="a",instance="a:8080"}`
	standby   = `{component="controller",job="varmenne",namespace="issuers",pod="b",instance="b:8080"}`
)

// testCases have a row for each alert, and one for each way to it that is not obvious.
func testCases() map[string]testCase {
	all := map[string]testCase{}
	for _, some := range []map[string]testCase{
		ofTheController(), ofIssuers(), ofRenewals(), ofRequests(), ofPersons(), ofOrders(), ofTheService(),
		ofPasswords(),
	} {
		maps.Copy(all, some)
	}
	return all
}

func ofTheController() map[string]testCase {
	return map[string]testCase{
		"no replica is scraped": {
			series: []string{
				"varmenne_build_info" + leader + " 1 stale _x58 1x200", "varmenne_build_info" + standby + " 1 stale _x58 1x200",
			},
			alert: "VarmenneControllerDown", from: 11 * time.Minute, until: 60 * time.Minute, says: []string{"look at the Pods"},
		},
		"replicas run and none of them leads": {
			series: []string{
				`varmenne_orders{state="Issued",job="varmenne",namespace="issuers",pod="a",instance="a:8080"} 1 stale _x58 1x200`,
			},
			alert: "VarmenneNoLeader", from: 6 * time.Minute, until: 60 * time.Minute,
			says: []string{"In namespace issuers 2 replicas"},
		},
		"a permission is missing": {
			series: []string{
				`controller_runtime_reconcile_errors_total{controller="request",job="varmenne",namespace="issuers",pod="a",` +
					// One object is tried again every five minutes at most.
					`instance="a:8080"} 0x4 1x4 2x4 3x4 4x4 5x4 6x4 7x4 8x4 9x4 10x4 11x4 12x200`,
			},
			alert: "VarmenneControllerErrors", from: 35 * time.Minute, until: 74 * time.Minute,
			says: []string{"The controller request", "in namespace issuers", "3 errors"},
		},
		"the permission to watch is missing": {
			series: []string{ // A watch is tried again every half minute at most.
				`varmenne_watch_errors_total{kind="CertificateRequest",namespace="issuers",pod="a"} 0x4 2+2x54 110x200`,
			},
			alert: "VarmenneWatchFailing", from: 38 * time.Minute, until: 66 * time.Minute,
			says: []string{"in namespace issuers", "CertificateRequest objects", "times in the last ten"},
		},
	}
}

func ofIssuers() map[string]testCase {
	return map[string]testCase{
		"an issuer cannot reach the service": {
			series: []string{checked + " 1 stale _x59 1x200", issuer + `"EndpointUnreachable"} _ 0x59` + gone},
			alert:  "VarmenneIssuerNotReady", from: 16 * time.Minute, until: 61 * time.Minute,
			says: []string{"VeroIssuer tax/vero", "(EndpointUnreachable)", "kubectl describe veroissuer -n tax vero"},
		},
		"an issuer of the whole cluster lacks its bundles": {
			series: []string{
				`varmenne_issuer_ready{kind="VeroClusterIssuer",name="vero",reason="BundleNotFound",pod="a"} 0x300`,
			},
			alert: "VarmenneIssuerNotReady", from: 15 * time.Minute,
			says: []string{"VeroClusterIssuer vero is not ready", "kubectl describe veroclusterissuer vero"},
		},
		"another replica takes over while an issuer is not ready": {
			series: []string{
				checked + " 1 stale _x300", issuer + `"BundleInvalid"} _ 0x9` + gone,
				`varmenne_issuer_ready{kind="VeroIssuer",namespace="tax",name="vero",reason="BundleInvalid",pod="b"} _x10 0x300`,
			},
			alert: "VarmenneIssuerNotReady", from: 16 * time.Minute,
		},
		"an issuer is checked no longer": {
			series: []string{lastCheck + `pod="a"} ` + checkedFrom(0, 70*time.Minute) + " 3600x49 " +
				checkedFrom(120*time.Minute, 300*time.Minute)},
			alert: "VarmenneIssuerNotChecked", from: 106 * time.Minute, until: 120 * time.Minute,
			says: []string{"VeroIssuer tax/vero has not been checked for more than half an hour"},
		},
		"an issuer is not checked since another replica took over": {
			series: []string{
				lastCheck + `pod="a"} ` + checkedFrom(0, 60*time.Minute) + gone, lastCheck + `pod="b"} _x59 0x300`,
			},
			alert: "VarmenneIssuerNotChecked", from: 75 * time.Minute,
		},
		"the signer of responses is not trusted": {
			series: []string{checked + " 1 stale _x59 1x200", issuer + `"UntrustedResponse"} _ 0x59` + gone},
			alert:  "VarmenneIssuerUntrusted", from: 6 * time.Minute, until: 61 * time.Minute,
			says: []string{"VeroIssuer tax/vero", "(UntrustedResponse)", "before you change spec.trust"},
		},
	}
}

func ofRenewals() map[string]testCase {
	return map[string]testCase{
		"a renewal fails with time enough": {
			series: []string{failing + `reason="SubmissionFailing"} 2592000x59` + gone},
			alert:  "VarmenneRenewalFailing", from: 15 * time.Minute, until: 60 * time.Minute,
			says: []string{"Certificate tax/c expires in 29d", "(SubmissionFailing)"},
		},
		"a renewal fails and there is little time": {
			series: []string{failing + `reason="SubmissionFailing"} 864000x59` + gone},
			alert:  "VarmenneRenewalUrgent", from: 5 * time.Minute, until: 60 * time.Minute,
			says: []string{"Certificate tax/c expires in 9d", "(SubmissionFailing)"},
		},
		"a certificate has expired, and its request waits for credentials: one alert": {
			series: []string{
				failing + `reason="WaitingForCredentials"} -60x300`, request + `reason="WaitingForCredentials"} 0x300`,
			},
			alert: "VarmenneRenewalUrgent", from: 5 * time.Minute, says: []string{"Certificate tax/c has expired"},
		},
		"a renewal was denied: one alert": {
			series: []string{failing + `reason="Denied"} 864000x300`, request + `reason="Denied"} 0x300`},
			alert:  "VarmenneRenewalUrgent", from: 5 * time.Minute, says: []string{"(Denied)"},
		},
		"the issuer of a renewal is gone: one alert": {
			series: []string{failing + `reason="IssuerNotFound"} 864000x300`, request + `reason="IssuerNotFound"} 0x300`},
			alert:  "VarmenneRenewalUrgent", from: 5 * time.Minute, says: []string{"(IssuerNotFound)"},
		},
	}
}

func ofRequests() map[string]testCase {
	return map[string]testCase{
		"a first certificate waits for credentials": {
			series: []string{request + `reason="WaitingForCredentials"} -3600x119` + gone},
			alert:  "VarmenneWaitingForCredentials", from: time.Hour, until: 2 * time.Hour,
			says: []string{"CertificateRequest tax/c-1, made 2h 0m 0s ago"},
		},
		"transfer credentials become twelve days old": {
			series: []string{written + seconds(-12*day+30*time.Minute) + `x119` + gone},
			alert:  "VarmenneTransferCredentialsExpireSoon", from: 36 * time.Minute, until: 2 * time.Hour,
			says: []string{"Secret tax/old", "12d 0h 6m 0s ago"},
		},
		"nobody approves": {
			series: []string{request + `reason="WaitingForApproval"} 0x59` + gone},
			alert:  "VarmenneRequestHeldUp", from: 15 * time.Minute, until: time.Hour,
			says: []string{"CertificateRequest tax/c-1", "(WaitingForApproval)"},
		},
		"there is no such issuer": {
			series: []string{request + `reason="IssuerNotFound"} 0x59` + gone},
			alert:  "VarmenneRequestHeldUp", from: 15 * time.Minute, until: time.Hour, says: []string{"(IssuerNotFound)"},
		},
		"a request can never be satisfied": {
			series: []string{request + `reason="InvalidRequest"} 0x59` + gone},
			alert:  "VarmenneRequestFailed", from: 10 * time.Minute, until: time.Hour,
			says: []string{"CertificateRequest tax/c-1", "(InvalidRequest)"},
		},
	}
}

// ofPersons are about what a person has to do.
func ofPersons() map[string]testCase {
	return map[string]testCase{
		"an application is late": {
			series: []string{person + `kind="ManualOrder",reason="ApplicationDue"} ` + seconds(-time.Hour) + `x119` + gone},
			alert:  "VarmennePersonDue", from: time.Hour, until: 2 * time.Hour,
			says: []string{"ManualOrder tax/manual-1 (ApplicationDue)", "since 2h 0m 0s"},
		},
		"an application becomes late, and was sent then": {
			series: []string{
				person + `kind="ManualOrder",reason="ApplicationDue"} ` + seconds(30*time.Minute) + `x119` + gone,
				person + `kind="ManualOrder",reason="AwaitingAuthority"} _x120 ` + seconds(7*day) + `x300`,
			},
			alert: "VarmennePersonDue", from: 91 * time.Minute, until: 2 * time.Hour,
		},
		"a renewal that a person is late with fails: one alert": {
			series: []string{
				person + `kind="ManualOrder",reason="ApplicationDue"} -60x300`, failing + `reason="ApplicationDue"} 864000x300`,
			},
			alert: "VarmenneRenewalUrgent", from: 5 * time.Minute,
		},
		"somebody has to be told of a change": {
			series: []string{expiring + `reason="Changed",pod="a"} 0x119` + gone, ends + seconds(400*day) + `x300`},
			alert:  "VarmennePersonDue", from: time.Hour + time.Minute, until: 2 * time.Hour,
			says: []string{"TrackedCertificate tax/seal (Changed)"},
		},
		"a certificate that is watched over ends soon": {
			series: []string{expiring + `reason="ExpiringSoon",pod="a"} 0x119` + gone, ends + seconds(60*day) + `x300`},
			alert:  "VarmenneTrackedCertificateExpiring", from: time.Hour, until: 2 * time.Hour,
			says: []string{"TrackedCertificate tax/seal ends in 59d", "kubectl describe trackedcertificate -n tax seal"},
		},
		"a certificate that is watched over ends very soon": {
			series: []string{expiring + `reason="ExpiringSoon",pod="a"} 0x119` + gone, ends + seconds(10*day) + `x300`},
			alert:  "VarmenneTrackedCertificateUrgent", from: 5 * time.Minute, until: 2 * time.Hour,
			says: []string{"tax/seal ends in 9d", "kubectl describe trackedcertificate -n tax seal"},
		},
		"a certificate that was watched over has ended": {
			series: []string{expiring + `reason="Expired",pod="a"} -60x300`, ends + `-60x300`},
			alert:  "VarmenneTrackedCertificateUrgent", from: 5 * time.Minute, says: []string{"tax/seal has ended"},
		},
		"an authority's bundle is missing": {
			series: []string{
				`varmenne_issuer_ready{kind="ManualIssuer",namespace="tax",name="dvv",reason="BundleNotFound",pod="a"} 0x59` + gone,
			},
			alert: "VarmenneIssuerNotReady", from: 15 * time.Minute, until: time.Hour,
			says: []string{"ManualIssuer tax/dvv is not ready", "kubectl describe manualissuer -n tax dvv"},
		},
	}
}

func ofOrders() map[string]testCase {
	return map[string]testCase{
		"an order is refused with a technical error again and again": {
			series: []string{order + `reason="SubmissionFailing"} 0x59` + gone},
			alert:  "VarmenneOrderStuck", from: 30 * time.Minute, until: time.Hour,
			says: []string{"in namespace tax (SignNewCertificate)", "was made 30m 0s ago"},
		},
		"an order changes from one fault to another": {
			series: []string{
				order + `reason="SubmissionUncertain"} 0x19` + gone, order + `reason="SubmissionFailing"} _x20 0x39` + gone,
			},
			alert: "VarmenneOrderStuck", from: 30 * time.Minute, until: time.Hour,
		},
		"an issuer was changed under an accepted order": {
			series: []string{order + `reason="IssuerChanged"} 0x59` + gone},
			alert:  "VarmenneOrderStuck", from: 30 * time.Minute, until: time.Hour,
		},
		"a certificate does not come": {
			series: []string{order + `reason="RetrievalOverdue"} -86400x300`},
			alert:  "VarmenneOrderStuck", from: 30 * time.Minute, says: []string{"was made 1d 0h 30m 0s ago"},
		},
	}
}

func ofTheService() map[string]testCase {
	return map[string]testCase{
		"a response with a wrong signature": {
			series: []string{responses + `"GetCertificate",code="UntrustedResponse",pod="a"} 0x4 1x200`},
			alert:  "VarmenneSignatureFailures", from: 5 * time.Minute, until: 64 * time.Minute,
			says: []string{"responses to GetCertificate within an hour, 1 bore"},
		},
		"a response with a wrong signature to the other replica": {
			series: []string{responses + `"SignNewCertificate",code="UntrustedResponse",pod="b"} 0x4 1x200`},
			alert:  "VarmenneSignatureFailures", from: 5 * time.Minute, until: 64 * time.Minute,
			says: []string{"responses to SignNewCertificate within an hour, 1 bore"},
		},
		"most calls have no response": {
			series: []string{
				responses + `"GetCertificate",code="OK",pod="a"} 0x300`,
				responses + `"GetCertificate",code="PKI099",pod="a"} 0x300`,
				responses + `"GetCertificate",code="NoResponse",pod="a"} 0+1x59 60x200`,
			},
			alert: "VarmenneServiceUnreachable", from: 16 * time.Minute, until: 89 * time.Minute,
			says: []string{"100% of the GetCertificate calls"},
		},
		"credentials are refused": {
			series: []string{responses + `"SignNewCertificate",code="PKI020",pod="a"} 0x4 1x200`},
			alert:  "VarmenneServiceRefusals", from: 5 * time.Minute, until: 64 * time.Minute,
			says: []string{"refused SignNewCertificate with PKI020; times within an hour: 1."},
		},
	}
}

// seconds is how a series writes a point in time.
func seconds(since time.Duration) string { return fmt.Sprintf("%.0f", since.Seconds()) }
