package soak

import (
	"context"
	"slices"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// list fills a list from the watch.
func (s *environment) list(list client.ObjectList) {
	s.Helper()
	testkit.NoError(s, s.seen.List(s.Context(), list, client.InNamespace(namespace)))
}

func (s *environment) orders() []v1alpha1.VeroOrder {
	s.Helper()
	list := &v1alpha1.VeroOrderList{}
	s.list(list)
	return list.Items
}

// eventually waits until something holds.
func (s *environment) eventually(what string, holds func() bool) {
	s.Helper()
	testkit.Eventually(s, what, func(context.Context) (bool, error) { return holds(), nil }, s.unfinished)
}

// revision is how many certificates a Certificate has received; 0 while it is not Ready, or is being issued anew.
func revision(certificate *cmapi.Certificate) int {
	ready := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionReady)
	issuing := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionIssuing)
	if certificate.Status.Revision == nil || ready == nil || ready.Status != cmmeta.ConditionTrue ||
		(issuing != nil && issuing.Status == cmmeta.ConditionTrue) {
		return 0
	}
	return *certificate.Status.Revision
}

// received reports whether the Certificates of those names all have so many certificates.
func (s *environment) received(count int, names ...string) bool {
	s.Helper()
	list := &cmapi.CertificateList{}
	s.list(list)
	there := 0
	for i := range list.Items {
		if slices.Contains(names, list.Items[i].Name) && revision(&list.Items[i]) >= count {
			there++
		}
	}
	return there == len(names)
}

// lease is the one that the replicas contend for.
func (s *environment) lease() *coordinationv1.Lease {
	s.Helper()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "varmenne-issuer", Name: "varmenne-issuer"}}
	testkit.NoError(s, s.Client.Get(s.Context(), client.ObjectKeyFromObject(lease), lease))
	return lease
}

// removeLease frees the lease of a controller that is dead.
func (s *environment) removeLease() {
	s.Helper()
	testkit.NoError(s, s.FreeLease(s.Context()))
}

// leader is the number of the replica that works, once one does.
func (s *environment) leader() (number int) {
	s.Helper()
	s.eventually("one of the replicas to work", func() bool {
		for number = 1; number <= 2; number++ {
			if s.Replica(number).Works(s.Context()) {
				return true
			}
		}
		return false
	})
	return number
}
