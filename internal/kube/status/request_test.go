package status_test

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
)

var (
	now   = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)
	later = now.Add(time.Hour)
)

func condition(
	kind cmapi.CertificateRequestConditionType, value cmmeta.ConditionStatus, reason, message string, moment time.Time,
) cmapi.CertificateRequestCondition {
	return cmapi.CertificateRequestCondition{
		Type: kind, Status: value, Reason: reason, Message: message, LastTransitionTime: &metav1.Time{Time: moment},
	}
}

const ready = cmapi.CertificateRequestConditionReady

var approved = condition(cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Policy", "fine", now)

func TestEnds(t *testing.T) {
	for claim, c := range map[string]struct {
		end  func(*cmapi.CertificateRequest)
		want cmapi.CertificateRequestStatus
	}{
		"waiting is no end": {
			func(r *cmapi.CertificateRequest) { status.SetPending(r, "waits", later) },
			cmapi.CertificateRequestStatus{Conditions: []cmapi.CertificateRequestCondition{
				approved, condition(ready, cmmeta.ConditionFalse, "Pending", "waits", later),
			}},
		},
		"failed": {
			func(r *cmapi.CertificateRequest) { status.SetFailed(r, false, "refused", later) },
			cmapi.CertificateRequestStatus{FailureTime: &metav1.Time{Time: later},
				Conditions: []cmapi.CertificateRequestCondition{
					approved, condition(ready, cmmeta.ConditionFalse, "Failed", "refused", later),
				}},
		},
		"failed, and the request is at fault": {
			func(r *cmapi.CertificateRequest) { status.SetFailed(r, true, "has names", later) },
			cmapi.CertificateRequestStatus{FailureTime: &metav1.Time{Time: later},
				Conditions: []cmapi.CertificateRequestCondition{
					approved,
					condition(cmapi.CertificateRequestConditionInvalidRequest, cmmeta.ConditionTrue, "Failed", "has names", later),
					condition(ready, cmmeta.ConditionFalse, "Failed", "has names", later),
				}},
		},
		"denied": {
			func(r *cmapi.CertificateRequest) { status.SetDenied(r, "no", later) },
			cmapi.CertificateRequestStatus{FailureTime: &metav1.Time{Time: later},
				Conditions: []cmapi.CertificateRequestCondition{
					approved, condition(ready, cmmeta.ConditionFalse, "Denied", "no", later),
				}},
		},
		"issued": {
			func(r *cmapi.CertificateRequest) {
				status.SetIssued(r, []byte("chain"), []byte("root"), "there", later)
			},
			cmapi.CertificateRequestStatus{Certificate: []byte("chain"), CA: []byte("root"),
				Conditions: []cmapi.CertificateRequestCondition{
					approved, condition(ready, cmmeta.ConditionTrue, "Issued", "there", later),
				}},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			request := &cmapi.CertificateRequest{}
			request.Status.Conditions = []cmapi.CertificateRequestCondition{approved}
			c.end(request)
			if difference := cmp.Diff(c.want, request.Status); difference != "" {
				t.Errorf("the status differs (-want +got):\n%s", difference)
			}
			if final := status.IsFinal(request); final != (claim != "waiting is no end") {
				t.Errorf("it is final: %t", final)
			}
			if message := conditions.ReadyMessage(request); message != c.want.Conditions[len(c.want.Conditions)-1].Message {
				t.Errorf("its message is %q", message)
			}
		})
	}
}

func TestTransitionTimes(t *testing.T) {
	request := &cmapi.CertificateRequest{}
	status.SetPending(request, "waits for one thing", now)
	status.SetPending(request, "waits for another", later)
	want := condition(ready, cmmeta.ConditionFalse, "Pending", "waits for another", now)
	if difference := cmp.Diff([]cmapi.CertificateRequestCondition{want}, request.Status.Conditions); difference != "" {
		t.Errorf("another message is no transition (-want +got):\n%s", difference)
	}
	status.SetIssued(request, nil, nil, "there", later)
	want = condition(ready, cmmeta.ConditionTrue, "Issued", "there", later)
	if difference := cmp.Diff([]cmapi.CertificateRequestCondition{want}, request.Status.Conditions); difference != "" {
		t.Errorf("another status is one (-want +got):\n%s", difference)
	}
	failed := &cmapi.CertificateRequest{}
	status.SetFailed(failed, false, "once", now)
	status.SetFailed(failed, false, "twice", later)
	if !failed.Status.FailureTime.Time.Equal(now) {
		t.Errorf("it has failed at %s, want the first time", failed.Status.FailureTime)
	}
}

func TestFinality(t *testing.T) {
	for claim, c := range map[string]struct {
		value  cmmeta.ConditionStatus
		reason string
		want   bool
	}{
		"Pending is not final":                 {cmmeta.ConditionFalse, "Pending", false},
		"Issued is":                            {cmmeta.ConditionTrue, "Issued", true},
		"Failed is":                            {cmmeta.ConditionFalse, "Failed", true},
		"Denied is":                            {cmmeta.ConditionFalse, "Denied", true},
		"Ready is, for whatever reason":        {cmmeta.ConditionTrue, "Other", true},
		"a reason of somebody else's is not":   {cmmeta.ConditionFalse, "Other", false},
		"an unknown status is not, by itself":  {cmmeta.ConditionUnknown, "Pending", false},
		"an unknown status with an end is one": {cmmeta.ConditionUnknown, "Failed", true},
	} {
		t.Run(claim, func(t *testing.T) {
			request := &cmapi.CertificateRequest{}
			status.Set(request, ready, c.value, c.reason, "", now)
			if got := status.IsFinal(request); got != c.want {
				t.Errorf("it is final: %t", got)
			}
		})
	}
	if bare := (&cmapi.CertificateRequest{}); status.IsFinal(bare) || conditions.ReadyMessage(bare) != "" {
		t.Error("a request without conditions is final")
	}
}

func TestIsTrue(t *testing.T) {
	request := &cmapi.CertificateRequest{}
	if conditions.IsTrue(request, v1alpha1.ConditionSubmitted) {
		t.Error("a condition that is not there is true")
	}
	status.Set(request, v1alpha1.ConditionSubmitted, cmmeta.ConditionFalse, "No", "", now)
	if conditions.IsTrue(request, v1alpha1.ConditionSubmitted) {
		t.Error("a condition that is false is true")
	}
	status.Set(request, v1alpha1.ConditionSubmitted, cmmeta.ConditionTrue, "Yes", "", now)
	if !conditions.IsTrue(request, v1alpha1.ConditionSubmitted) {
		t.Error("a condition that is true is not")
	}
}
