package stories

import (
	"net/http"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// serviceFault is a way in which the service misbehaves: a row of the page.
type serviceFault struct {
	// when ends the sentence "the service …".
	when string
	// fault is how the simulator does it; without one its process is paused for the time of the call.
	fault admin.Fault
	// earlier reports whether there must have been a call of the same operation that went well.
	earlier bool
	// says are the words that are said of it, whatever the operation.
	says []string
	// outcomes by operation.
	outcomes map[string]outcome
}

// Outcomes of what the service does.
var (
	triedAgain = outcome{
		name: "tried again", repeats: map[string]int{signNew: 1, renew: 1},
		expected: []expectation{{
			reason: v1alpha1.ReasonRetryingSubmission, says: []string{"it is tried again", "nothing was spent"},
		}},
		spent: nothing, then: byItself,
	}
	sentAgain = outcome{
		name: "sent again", repeats: map[string]int{signNew: 1, renew: 1},
		expected: []expectation{{
			reason: v1alpha1.ReasonUncertain, silent: true, says: []string{"it is sent again with the same authorization"},
		}},
		spent: nothing, then: byItself,
	}
	lost = outcome{
		name: "response lost", repeats: map[string]int{signNew: 2},
		expected: []expectation{
			{reason: v1alpha1.ReasonUncertain, silent: true, says: []string{"it is sent again with the same authorization"}},
			{reason: v1alpha1.ReasonResponseLost, says: []string{
				"an earlier response was lost", "PKI020",
				"order new transfer credentials and put them into Secret " + transferName,
			}},
		},
		spent: credentials, then: afterNew,
	}
	askedAgain = outcome{
		name: "asked again",
		expected: []expectation{{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{
			"has accepted the request", "the certificate cannot be fetched", "it is asked for again",
		}}},
		spent: nothing, then: byItself,
	}
	kept = outcome{
		name: "kept",
		expected: []expectation{{reason: v1alpha1.ReasonUntrustedResponse, says: []string{
			"is kept, and the certificate is fetched once this is repaired",
		}}},
		spent: nothing, then: byItself,
	}
	receipt = outcome{
		name: "receipt kept",
		expected: []expectation{{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{
			"stood in it and is kept; the certificate is asked for with it",
		}}},
		spent: nothing, then: byItself,
	}
	notTaken = outcome{
		name: "not taken",
		expected: []expectation{{reason: v1alpha1.ReasonWrongCertificate, says: []string{
			"the service is asked again with RetrievalId", "if it lasts, contact the certificate service",
		}}},
		spent: nothing, then: byItself,
	}
	untrusted = outcome{
		name: "untrusted",
		expected: []expectation{{reason: v1alpha1.ReasonUntrustedCertificate, says: []string{
			"put that authority into spec.trust.issuance if, and only if, the service's owner has published it",
			"is kept, and the certificate is fetched once this is repaired",
		}}},
		spent: nothing, then: byItself,
	}
)

// trustResponses is what is said of the signature of an unknown authority, and of no other.
const trustResponses = "put that authority into spec.trust.responses " +
	"if, and only if, the service's owner has published it"

// misled is kept for want of the right authority.
var misled = kept.saying(trustResponses)

// outcomes lists those of the service, as the page explains them.
func outcomes() []outcome {
	return []outcome{
		triedAgain, sentAgain, lost, askedAgain, kept, receipt, notTaken, untrusted,
	}
}

// Outcomes by operation. What can happen to GetCertificate only has one of fetched.
var (
	// unprocessed is what comes of a request that has had no effect, as the other side's words make sure.
	unprocessed = map[string]outcome{signNew: triedAgain, renew: triedAgain, get: askedAgain}
	// doubtful is what comes of one that has had none, when nobody but the service can know.
	doubtful = map[string]outcome{signNew: sentAgain, renew: sentAgain, get: askedAgain}
	// processed is what comes of a request that has had its effect when the response gets lost.
	processed = map[string]outcome{signNew: lost, renew: sentAgain, get: askedAgain}
	// damaged is what comes of a response that is no longer one, but has a RetrievalId that can be read.
	damaged = map[string]outcome{signNew: receipt, renew: receipt, get: askedAgain}
	// unverified is what comes of a response that nobody can rely on, but that is there.
	unverified = map[string]outcome{signNew: kept, renew: kept, get: kept}
)

func fetched(of outcome) map[string]outcome { return map[string]outcome{get: of} }

// serviceFaults are the rows about the service.
func serviceFaults() []serviceFault {
	const (
		interrupted = "the connection ended before the response was complete (the other side closed it)"
		notInTime   = "the certificate service did not answer in time"
		notXML      = "the response cannot be read as XML"
		unsigned    = "the signature of the certificate service's response does not verify"
		otherOne    = "the issued certificate is not the one that was asked for"
	)
	status := func(code int) admin.Fault { return admin.Fault{Kind: admin.HTTPStatus, Status: code} }
	after := func(fault admin.Fault) admin.Fault {
		fault.AfterProcessing = true
		return fault
	}
	wrong := func(variant string) admin.Fault { return admin.Fault{Kind: admin.WrongCertificate, Variant: variant} }
	of := func(kind admin.FaultKind) admin.Fault { return admin.Fault{Kind: kind} }
	return []serviceFault{
		{when: "does not answer at all", says: []string{"cannot connect to", "no response in time"}, outcomes: unprocessed},
		{when: "answers HTTP 404", fault: status(http.StatusNotFound),
			says: []string{"the endpoint answered HTTP 404"}, outcomes: unprocessed},
		{when: "redirects to another address", fault: of(admin.Redirect),
			says: []string{"the endpoint answered HTTP 307, a redirection, which is never followed"}, outcomes: doubtful},
		{when: "closes the connection and has done nothing", fault: of(admin.DropBefore),
			says: []string{interrupted}, outcomes: doubtful},
		{when: "answers HTTP 500 and has done nothing", fault: status(http.StatusInternalServerError),
			says: []string{"the endpoint answered HTTP 500"}, outcomes: doubtful},
		{when: "answers HTTP 503 and has done nothing", fault: status(http.StatusServiceUnavailable),
			says: []string{"the endpoint answered HTTP 503"}, outcomes: doubtful},
		{when: "answers with a SOAP Fault and has done nothing", fault: of(admin.SOAPFault),
			says: []string{"the certificate service answered with a SOAP Fault"}, outcomes: doubtful},
		{when: "has done what was asked, and a gateway answers HTTP 502", fault: after(status(http.StatusBadGateway)),
			says: []string{"the endpoint answered HTTP 502"}, outcomes: processed},
		{when: "has done what was asked, and a gateway answers HTTP 408", fault: after(status(http.StatusRequestTimeout)),
			says: []string{"the endpoint answered HTTP 408"}, outcomes: processed},
		{when: "has done what was asked and answers with a SOAP Fault", fault: after(of(admin.SOAPFault)),
			says: []string{"the certificate service answered with a SOAP Fault"}, outcomes: processed},
		{when: "has done what was asked and never answers", fault: of(admin.TimeoutAfter),
			says: []string{notInTime}, outcomes: processed},
		{when: "sends one byte per second", fault: of(admin.Slow), says: []string{notInTime}, outcomes: processed},
		{when: "resets the connection in the middle of the response", fault: of(admin.ResetMidResponse),
			says: []string{interrupted}, outcomes: damaged},
		{when: "sends half of the response", fault: of(admin.Truncated), says: []string{notXML}, outcomes: damaged},
		{when: "sends XML that is not well-formed", fault: of(admin.Malformed),
			says: []string{notXML}, outcomes: damaged},
		{when: "sends 100 MB", fault: of(admin.Oversize),
			says: []string{"the response is larger than", "bytes and was not read"}, outcomes: damaged},
		{when: "calls its response text/html", fault: of(admin.WrongContentType),
			says: []string{"its content type is text/html, not text/xml"}, outcomes: damaged},
		{when: "answers something that was not asked", fault: of(admin.WrongOperation),
			says: []string{"the certificate service's response does not fit the request"}, outcomes: damaged},
		{when: "does not sign its response", fault: of(admin.Unsigned),
			says: []string{unsigned, "the service signs every response", "look for a proxy"}, outcomes: unverified},
		{when: "signs with a certificate of an unknown authority", fault: of(admin.StrangerSignature),
			says: []string{unsigned, trustResponses}, outcomes: unverified},
		{when: "gives the response to an earlier call once more", fault: of(admin.Replay), earlier: true,
			says:     []string{"its RetrievalId is the one that VeroOrder", "has had before"},
			outcomes: map[string]outcome{signNew: lost, renew: sentAgain}},
		{when: "gives an earlier certificate once more", fault: of(admin.Replay), earlier: true,
			says: []string{otherOne}, outcomes: fetched(notTaken)},
		{when: "gives the certificate of another customer", fault: wrong(admin.AnotherCustomer),
			says: []string{otherOne}, outcomes: fetched(notTaken)},
		{when: "gives a certificate for another key", fault: wrong(admin.AnotherKey),
			says: []string{otherOne}, outcomes: fetched(notTaken)},
		{when: "gives a certificate that has expired", fault: wrong(admin.Expired),
			says: []string{otherOne}, outcomes: fetched(notTaken)},
		{when: "gives a certificate that is not yet valid", fault: wrong(admin.NotYetValid),
			says: []string{otherOne}, outcomes: fetched(notTaken)},
		{when: "gives a certificate of an unknown authority", fault: wrong(admin.UnknownCA),
			says: []string{otherOne}, outcomes: fetched(untrusted)},
	}
}
