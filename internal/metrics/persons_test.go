package metrics_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
)

const day = 24 * time.Hour

// made is when the objects of these tests were made, ends when the certificate in use ends.
var made, ends = time.Unix(1_800_000_000, 0), time.Unix(1_800_000_000, 0).Add(60 * day)

// waiting is a ManualOrder that waits for a person.
func waiting(reason string, renews bool) outline.ManualOrder {
	order := outline.ManualOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "stamps", Name: "manual-1", CreationTimestamp: metav1.Time{Time: made},
		},
		Certificate: "stamping", PersonDue: reason,
	}
	if renews {
		order.RenewsUntil = &metav1.Time{Time: ends}
	}
	return order
}

// tracked is a TrackedCertificate that ends soon.
func tracked() v1alpha1.TrackedCertificate {
	return v1alpha1.TrackedCertificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "stamps", Name: "stamp"},
		Status: v1alpha1.TrackedCertificateStatus{
			NotAfter: &metav1.Time{Time: ends}, Conditions: []metav1.Condition{{
				Type: v1alpha1.ConditionExpiringSoon, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonExpiringSoon,
				LastTransitionTime: metav1.Time{Time: made},
			}},
		},
	}
}

func persons(orders []outline.ManualOrder, certificates ...v1alpha1.TrackedCertificate) metrics.Persons {
	return metrics.Persons{
		Orders: func(context.Context) (*outline.ManualOrderList, error) {
			return &outline.ManualOrderList{Items: orders}, nil
		},
		Tracked: func(context.Context) (*v1alpha1.TrackedCertificateList, error) {
			return &v1alpha1.TrackedCertificateList{Items: certificates}, nil
		},
		Lead: func(context.Context, *outline.ManualOrder) time.Duration { return 30 * day },
	}
}

func TestUntilWhenAPersonHasToDoSomething(t *testing.T) {
	for claim, c := range map[string]struct {
		reason string
		renews bool
		due    time.Time
	}{
		"a renewal is applied for in time":     {v1alpha1.ReasonApplicationDue, true, ends.Add(-30 * day)},
		"what comes is brought a week before":  {v1alpha1.ReasonAwaitingAuthority, true, ends.Add(-7 * day)},
		"so is another one for a rejected one": {v1alpha1.ReasonCertificateRejected, true, ends.Add(-7 * day)},
		"a first one is applied for at once":   {v1alpha1.ReasonApplicationDue, false, made},
		"a first one comes in the lead time":   {v1alpha1.ReasonAwaitingAuthority, false, made.Add(30 * day)},
		"a stale one is stopped at once":       {v1alpha1.ReasonApplicationStale, true, made},
	} {
		t.Run(claim, func(t *testing.T) {
			registry := prometheus.NewPedanticRegistry()
			registry.MustRegister(persons([]outline.ManualOrder{waiting(c.reason, c.renews)}))
			compare(t, registry, "varmenne_person_due_timestamp_seconds", map[string]float64{
				`certificate="stamping",kind="ManualOrder",name="manual-1",namespace="stamps",` +
					`reason="` + c.reason + `"`: float64(c.due.Unix()),
			})
		})
	}
}

func TestATrackedCertificateThatEndsSoonWaitsForAPerson(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(persons(nil, tracked()))
	compare(t, registry, "varmenne_person_due_timestamp_seconds", map[string]float64{
		`certificate="",kind="TrackedCertificate",name="stamp",namespace="stamps",` +
			`reason="ExpiringSoon"`: float64(made.Unix()),
	})
	compare(t, registry, "varmenne_tracked_certificate_expiration_timestamp_seconds", map[string]float64{
		`name="stamp",namespace="stamps"`: float64(ends.Unix()),
	})
}

// TestNothingIsToldOfWhatIsDone, nor of what is gone.
func TestNothingIsToldOfWhatIsDone(t *testing.T) {
	done := waiting("", true)
	replaced := tracked()
	replaced.Status.Conditions[0].Status = metav1.ConditionFalse
	strange := waiting(v1alpha1.ReasonApplicationDue, false)
	strange.Certificate = strings.Repeat("x", 254) // which anybody can write
	orders := []outline.ManualOrder{done, strange}
	certificates := []v1alpha1.TrackedCertificate{replaced}
	registry := prometheus.NewPedanticRegistry()
	told := persons(nil)
	told.Orders = func(context.Context) (*outline.ManualOrderList, error) {
		return &outline.ManualOrderList{Items: orders}, nil
	}
	told.Tracked = func(context.Context) (*v1alpha1.TrackedCertificateList, error) {
		return &v1alpha1.TrackedCertificateList{Items: certificates}, nil
	}
	registry.MustRegister(told)
	compare(t, registry, "varmenne_person_due_timestamp_seconds", map[string]float64{
		`certificate="",kind="ManualOrder",name="manual-1",namespace="stamps",reason="ApplicationDue"`: float64(made.Unix()),
	})
	orders, certificates = nil, nil
	compare(t, registry, "varmenne_person_due_timestamp_seconds", nil)
	compare(t, registry, "varmenne_tracked_certificate_expiration_timestamp_seconds", nil)
}
