package veroorder

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

func orderOf(kind, namespace, issuer string) *v1alpha1.VeroOrder {
	order := &v1alpha1.VeroOrder{}
	order.Namespace = namespace
	order.Spec.IssuerRef = v1alpha1.OrderIssuerReference{Kind: kind, Name: issuer}
	return order
}

func TestAnIssuerHasSoManyLanesAndNoMore(t *testing.T) {
	lanes := NewLanes(2)
	enter := func(kind, namespace, issuer string) (leave func(), free bool) {
		return lanes.enter(orderOf(kind, namespace, issuer))
	}
	leave, first := enter(v1alpha1.KindVeroIssuer, "tax", "vero")
	if _, second := enter(v1alpha1.KindVeroIssuer, "tax", "vero"); !first || !second {
		t.Error("it has not two lanes")
	}
	if _, third := enter(v1alpha1.KindVeroIssuer, "tax", "vero"); third {
		t.Error("it has a third lane")
	}
	for claim, other := range map[string][3]string{
		"of another name":      {v1alpha1.KindVeroIssuer, "tax", "another"},
		"in another namespace": {v1alpha1.KindVeroIssuer, "another", "vero"},
		"of another kind":      {v1alpha1.KindVeroClusterIssuer, "tax", "vero"},
	} {
		if _, free := enter(other[0], other[1], other[2]); !free {
			t.Errorf("an issuer %s has no lane of its own", claim)
		}
	}
	if _, free := enter(v1alpha1.KindVeroClusterIssuer, "another", "vero"); !free {
		t.Error("the cluster issuer has not two lanes")
	}
	if _, free := enter(v1alpha1.KindVeroClusterIssuer, "third", "vero"); free {
		t.Error("a cluster issuer has lanes for each namespace")
	}
	leave()
	if _, free := enter(v1alpha1.KindVeroIssuer, "tax", "vero"); !free {
		t.Error("a lane that was left is not free")
	}
}
