package orderstate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// annotatedWith asks an order to take a RetrievalId over.
func annotatedWith(id string) edit {
	return func(o *v1alpha1.VeroOrder) {
		o.Annotations = map[string]string{v1alpha1.AnnotationAdoptRetrievalID: id}
	}
}

// adopting takes a RetrievalId over.
func adopting(id string) edit {
	return func(o *v1alpha1.VeroOrder) { orderstate.RecordAdoption(o, id, now) }
}

func TestAdoptionOf(t *testing.T) {
	const id, other = retrievalID, "OTHER"
	adopt, remove := orderstate.Adoption{RetrievalID: id}, orderstate.Adoption{}
	verified, unverified := sent(now, nil), sent(now, unverifiedWith(retrievalID))
	asked := annotatedWith(id)
	another := sent(now, unverifiedWith(other))
	for claim, c := range map[string]struct {
		order *v1alpha1.VeroOrder
		want  orderstate.Adoption
		says  string
	}{
		"one that was not sent takes it":                {signNew(asked), adopt, ""},
		"one that is being sent":                        {signNew(intended(now), asked), adopt, ""},
		"one that nobody wanted":                        {signNew(abandoned(v1alpha1.ReasonWithdrawn), asked), adopt, ""},
		"one whose response was lost":                   {signNew(abandoned(v1alpha1.ReasonResponseLost), asked), adopt, ""},
		"one whose credentials were refused":            {signNew(sent(now, pki020), asked), adopt, ""},
		"a renewal that was refused":                    {renewal(sent(now, pki015), asked), adopt, ""},
		"in place of one that no verified response had": {signNew(another, asked), adopt, ""},
		"once more where the service has refused it":    {signNew(verified, polled(now, pki020), asked), adopt, ""},
		"once more where it has led to nothing": {
			signNew(unverified, disowned(pki020), asked), adopt, ""},
		"one that holds it already only loses the annotation": {signNew(adopting(id), asked), remove, ""},
		"also where a verified response has carried it":       {signNew(verified, asked), remove, ""},
		"a verified one is not replaced": {
			signNew(verified, annotatedWith(other)), remove, "verified response"},
		"nor one that has failed since": {
			signNew(verified, polled(now, pki020), annotatedWith(other)), remove, "verified response"},
		"an issued order needs none": {
			signNew(verified, bore(leafUntil(t, "ours", now)), annotatedWith(other)), remove, "has its certificate"},
		"white space holds an order up": {signNew(annotatedWith("a b")), orderstate.Adoption{Holds: true}, "nothing is sent"},
		"an empty one, too, in doubt": {
			signNew(intended(now), annotatedWith("")), orderstate.Adoption{Holds: true}, "nothing is sent"},
		"a long one is no RetrievalId": {
			signNew(annotatedWith(strings.Repeat("x", 33))), orderstate.Adoption{Holds: true}, "RetrievalId"},
		"but nothing else is to be sent for one accepted": {
			signNew(verified, annotatedWith("a b")), remove, "is not taken over"},
		"nor for one that has failed": {signNew(sent(now, pki030), annotatedWith("a b")), remove, "is not taken over"},
	} {
		t.Run(claim, func(t *testing.T) {
			got, is := orderstate.AdoptionOf(c.order)
			problem := got.Problem
			got.Problem = ""
			if difference := cmp.Diff(c.want, got); difference != "" || !is {
				t.Errorf("asked %t (-want +got):\n%s", is, difference)
			}
			if !strings.Contains(problem, c.says) || (c.says == "") != (problem == "") {
				t.Errorf("it says %q, want %q", problem, c.says)
			}
		})
	}
	if _, is := orderstate.AdoptionOf(signNew()); is {
		t.Error("an order without the annotation is asked to take something over")
	}
}

// TestAdoptedRetrievalID: it is believed no more than one from a response that cannot be relied on.
func TestAdoptedRetrievalID(t *testing.T) {
	adopted, adopt := accepted, adopting(retrievalID)
	inDoubtAgain := outcome{
		Phase: submitting, Reason: v1alpha1.ReasonUncertain, Uncertain: true, Again: 11 * time.Second, Code: "PKI020",
	}
	refused := func(o *v1alpha1.VeroOrder) { sent(now, nil)(o); polled(now, pki020)(o) }
	unsent := retrying.but(code("PKI020"), again(11*time.Second))
	says := []string{retrievalID, "no verified response carried", "PKI020", "sent again with the same authorization"}
	const never = "has accepted"
	check(t, map[string]recorded{
		"it is tried after ten seconds": {
			signNew(adopt), adopted, []string{retrievalID, v1alpha1.AnnotationAdoptRetrievalID}, never},
		"an ended order goes on": {signNew(sent(now, pki020), adopt), adopted.but(code("PKI020")), nil, never},
		"it may be known later": {
			signNew(adopt, polled(now, pki099)), adopted.but(code("PKI099")), []string{"no verified response", "PKI099"}, never},
		"another's is given up again": {signNew(adopt, disowned(pki020)), unsent, says, never},
		"and what was in doubt before is so after it": {
			signNew(intended(now), adopt, disowned(pki020)), inDoubtAgain, says, "nothing was spent"},
		"and a lost response stays lost": {
			signNew(abandoned(v1alpha1.ReasonResponseLost), adopt, disowned(pki020)), inDoubtAgain, says,
			"nothing was spent"},
		"a verified one takes its place": {
			signNew(intended(now), func(o *v1alpha1.VeroOrder) {
				call := ended(o, now)
				adopting("typo")(o)
				orderstate.RecordSubmission(o, retrievalID, nil, call)
			}), adopted.but(inDoubt), []string{"has accepted"}, "typo"},
		"one that the service has refused is refused again": {
			signNew(refused, adopt, disowned(pki020)),
			refusedFor(v1alpha1.ReasonCredentialsRefused, "PKI020").but(withID(retrievalID)), nil, "sent again"},
	})
	order := signNew(sent(now, pki020), adopt)
	if order.Status.CompletionTime != nil || !order.Status.RetrievalIDUnverified || order.Status.AcceptanceTime == nil {
		t.Errorf("it does not go on like one with an unverified RetrievalId: %+v", order.Status)
	}
}
