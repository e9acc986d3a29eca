package outline_test

import (
	"encoding/json"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestARequestThatHasJustComeIsHandedOverOnce, in the version that the cache knows, unless it has said something.
func TestARequestThatHasJustComeIsHandedOverOnce(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(*cmapi.CertificateRequest)
		want   bool
	}{
		"an approved one":               {func(*cmapi.CertificateRequest) {}, true},
		"one that nobody has approved":  {func(r *cmapi.CertificateRequest) { r.Status.Conditions = nil }, false},
		"one for others":                {func(r *cmapi.CertificateRequest) { r.Spec.IssuerRef.Group = "x.example" }, false},
		"one that says why it waits":    {func(r *cmapi.CertificateRequest) { addReady(r, "it waits") }, false},
		"one that is larger than usual": {func(r *cmapi.CertificateRequest) { r.Name = strings.Repeat("n", 9<<10) }, false},
	} {
		t.Run(claim, func(t *testing.T) {
			fresh := outline.NewFresh()
			request := arrived()
			c.change(request)
			cached := cache(t, fresh, request)
			found := fresh.Take(cached)
			if (found != nil) != c.want || found != nil && string(found.Spec.Request) != "csr" {
				t.Errorf("found is %v", found)
			}
			if fresh.Take(cached) != nil {
				t.Error("it is handed over twice")
			}
		})
	}
	fresh := outline.NewFresh()
	cached := cache(t, fresh, arrived())
	cached.ResourceVersion = "8"
	if fresh.Take(cached) != nil {
		t.Error("another version is handed over")
	}
}

func arrived() *cmapi.CertificateRequest {
	request := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Name: "tax-1", UID: "0a3e", ResourceVersion: "7"}}
	request.Spec.IssuerRef.Group, request.Spec.Request = v1alpha1.GroupName, []byte("csr")
	request.Status.Conditions = []cmapi.CertificateRequestCondition{{
		Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue,
	}}
	return request
}

func addReady(request *cmapi.CertificateRequest, message string) {
	request.Status.Conditions = append(request.Status.Conditions, cmapi.CertificateRequestCondition{
		Type: cmapi.CertificateRequestConditionReady, Status: cmmeta.ConditionFalse, Message: message,
	})
}

// cache lets a request come to a cache, and returns what that keeps.
func cache(t *testing.T, fresh *outline.Fresh, request *cmapi.CertificateRequest) *outline.CertificateRequest {
	t.Helper()
	var options ctrl.Options
	outline.Prepare(&options, fresh)
	cached := &outline.CertificateRequest{}
	must.Do(t, json.Unmarshal(must.Get(json.Marshal(request))(t), cached))
	for object, how := range options.Cache.ByObject {
		if _, isRequest := object.(*outline.CertificateRequest); isRequest {
			kept, isRequest := must.Get(how.Transform(cached))(t).(*outline.CertificateRequest)
			if !isRequest {
				t.Fatal("the cache keeps something else")
			}
			return kept
		}
	}
	t.Fatal("the cache keeps requests as they come")
	return nil
}
