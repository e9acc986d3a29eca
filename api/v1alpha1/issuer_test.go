package v1alpha1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestMinimalIssuerGetsItsDefaults(t *testing.T) {
	namespace := server.Namespace(t)
	for _, kind := range issuerKinds {
		t.Run(kind, func(t *testing.T) {
			object := issuerManifest(t, kind, namespace)
			must.Do(t, server.Client.Create(t.Context(), object))
			for path, want := range map[string]any{
				"spec.renewalWindow":                      "1440h",
				"spec.retrievalTimeout":                   "24h",
				"spec.trust.issuance.configMapKeyRef.key": "ca.crt",
				"spec.url":               nil,
				"spec.trust.tls":         nil,
				"spec.transferSecretRef": nil,
			} {
				if got := get(t, object, path); got != want {
					t.Errorf("%s is %v, want %v", path, got, want)
				}
			}
			issuer := v1alpha1.NewVeroIssuer(kind)
			must.Do(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, issuer))
			spec := issuer.VeroSpec()
			if spec.Window() != v1alpha1.DefaultRenewalWindow || spec.Timeout() != v1alpha1.DefaultRetrievalTimeout ||
				spec.Endpoint() != v1alpha1.EndpointTest || issuer.IssuerKind() != kind {
				t.Errorf("the types read %s, %s, %s", spec.Window(), spec.Timeout(), spec.Endpoint())
			}
		})
	}
}

func TestRulesOfIssuers(t *testing.T) {
	const bundle = "LS0tLS1CRUdJTg=="
	configMap := map[string]any{"name": "vero-trust"}
	cases := map[string]refused{
		"a full one is taken": {map[string]any{
			"spec.environment": "PRODUCTION", "spec.url": "https://localhost:8443/services?x=1",
			"spec.customerName":      "Esimerkki Öljy & Kumppanit Oy, \"Häme\" <A/S>",
			"spec.transferSecretRef": map[string]any{"name": "vero-transfer"}, "spec.renewalWindow": "5m",
			"spec.retrievalTimeout": "10s", "spec.trust.tls": map[string]any{"secretKeyRef": map[string]any{"name": "tls"}},
		}, ""},
		"another environment": {map[string]any{"spec.environment": "ACCEPTANCE"}, `supported values: "TEST", "PRODUCTION"`},
		"no environment":      {map[string]any{"spec.environment": nil}, "spec.environment: Required value"},
		"no customer":         {map[string]any{"spec.customerID": nil}, "spec.customerID: Required value"},
		"an empty customer":   {map[string]any{"spec.customerID": ""}, "at least 1 chars long"},
		"a long customer":     {map[string]any{"spec.customerID": strings.Repeat("1", 31)}, "may not be more than 30"},
		"a customer without a hyphen": {
			map[string]any{"spec.customerID": "01234567"},
			"spec.customerID looks like a Finnish business id without its hyphen; write it as 0123456-7",
		},
		"eight digits and more": {map[string]any{"spec.customerID": "012345678"}, ""},
		"a customer with two hyphens": {
			map[string]any{"spec.customerID": "0123--7"},
			"spec.customerID must not contain '--' or '/*'; the certificate service refuses such messages",
		},
		"a customer with a comment": {
			map[string]any{"spec.customerID": "01/*7"}, "spec.customerID must not contain '--' or '/*'",
		},
		"a customer with a tab": {
			map[string]any{"spec.customerID": "01\t7"},
			"spec.customerID must be printable ASCII without blanks",
		},
		"a customer with a blank": {
			map[string]any{"spec.customerID": " 0123456-7"}, "spec.customerID must be printable ASCII without blanks",
		},
		"an empty name":         {map[string]any{"spec.customerName": ""}, "at least 1 chars long"},
		"a name of 100 letters": {map[string]any{"spec.customerName": strings.Repeat("ä", 100)}, ""},
		"a long name":           {map[string]any{"spec.customerName": strings.Repeat("ä", 101)}, "may not be more than 100"},
		"a name with two hyphens": {
			map[string]any{"spec.customerName": "A -- B"},
			"spec.customerName must not contain '--' or '/*'; the certificate service refuses such messages",
		},
		"a name with a line break": {
			map[string]any{"spec.customerName": "A\nB"},
			"spec.customerName must not contain control, format, private or invisible characters",
		},
		"a name with a blank": {
			map[string]any{"spec.customerName": "A "},
			"invisible characters, or begin or end with white space",
		},
		"plain http": {
			map[string]any{"spec.url": "http://localhost/"},
			"spec.url must start with https://: transfer passwords are never sent in the clear",
		},
		"no URL": {
			map[string]any{"spec.url": "https://a b/"},
			"spec.url is not a URL; leave it out to use the public endpoint of the environment",
		},
		"a URL without a host":  {map[string]any{"spec.url": "https:///services"}, "spec.url is not a URL"},
		"a URL of 2048 letters": {map[string]any{"spec.url": "https://" + strings.Repeat("a", 2040)}, ""},
		"a longer URL": {
			map[string]any{"spec.url": "https://" + strings.Repeat("a", 2041)}, "spec.url: Too long: may not be more than 2048",
		},
		"an empty URL": {map[string]any{"spec.url": ""}, "at least 1 chars long"},
		"a window of nothing": {
			map[string]any{"spec.renewalWindow": "0s"},
			"spec.renewalWindow must be longer than nothing; the certificate service allows 1440h",
		},
		"a negative window": {
			map[string]any{"spec.renewalWindow": "-1h"}, "spec.renewalWindow must be longer than nothing",
		},
		"a window of a certificate's life": {map[string]any{"spec.renewalWindow": "17520h"}, ""},
		"a longer window": {
			map[string]any{"spec.renewalWindow": "17520h1s"},
			"spec.renewalWindow must be at most 17520h, as long as a certificate lives; the certificate service allows 1440h",
		},
		"a window in days": {map[string]any{"spec.renewalWindow": "60d"}, "spec.renewalWindow"},
		"a short timeout": {
			map[string]any{"spec.retrievalTimeout": "9s"},
			"spec.retrievalTimeout must be at least 10s; the certificate service needs that long for the fastest response",
		},
		"a timeout of 60 days": {map[string]any{"spec.retrievalTimeout": "1440h"}, ""},
		"a longer timeout": {
			map[string]any{"spec.retrievalTimeout": "1440h1s"}, "spec.retrievalTimeout must be at most 1440h: after that long",
		},
		"a transfer Secret without a name": {
			map[string]any{"spec.transferSecretRef": map[string]any{}}, "spec.transferSecretRef.name: Required value",
		},
		"no trust":                 {map[string]any{"spec.trust": nil}, "spec.trust: Required value"},
		"no trust in responses":    {map[string]any{"spec.trust.responses": nil}, "spec.trust.responses: Required value"},
		"no trust in certificates": {map[string]any{"spec.trust.issuance": nil}, "spec.trust.issuance: Required value"},
		"a bundle of another kind": {
			map[string]any{"spec.trust.responses": map[string]any{"caBundle": "?"}}, "spec.trust.responses.caBundle",
		},
		"an empty bundle": {map[string]any{"spec.trust.responses": map[string]any{"caBundle": ""}}, "at least 1 chars long"},
		"a reference without a name": {
			map[string]any{"spec.trust.responses": map[string]any{"secretKeyRef": map[string]any{"key": "a"}}},
			"secretKeyRef.name: Required value",
		},
		"a reference with an empty name": {
			map[string]any{"spec.trust.responses": map[string]any{"secretKeyRef": map[string]any{"name": ""}}},
			"at least 1 chars long",
		},
	}
	addBounds(cases, map[string]int{
		"spec.customerID": 30, "spec.customerName": 100, "spec.transferSecretRef.name": 253,
		// 256 KiB in base64
		"spec.trust.responses.caBundle":            349528,
		"spec.trust.issuance.configMapKeyRef.name": 253, "spec.trust.issuance.configMapKeyRef.key": 253,
	}, nil)
	const exactlyOne = "exactly one of the fields in [caBundle configMapKeyRef secretKeyRef] must be set"
	for _, field := range []string{"tls", "responses", "issuance"} {
		for claim, source := range map[string]map[string]any{
			"no source":          {},
			"two sources":        {"caBundle": bundle, "configMapKeyRef": configMap},
			"two references":     {"secretKeyRef": configMap, "configMapKeyRef": configMap},
			"a bundle, a Secret": {"caBundle": bundle, "secretKeyRef": configMap},
			"all three sources":  {"caBundle": bundle, "secretKeyRef": configMap, "configMapKeyRef": configMap},
		} {
			cases[field+": "+claim] = refused{map[string]any{"spec.trust." + field: source}, exactlyOne}
		}
	}
	namespace := server.Namespace(t)
	for _, kind := range issuerKinds {
		for claim, c := range cases {
			t.Run(kind+": "+claim, func(t *testing.T) { checkCreation(t, issuerManifest(t, kind, namespace), c) })
		}
	}
}

// TestStatusOfIssuers: it is the controller's, and until that has checked an issuer, Ready is Unknown.
func TestStatusOfIssuers(t *testing.T) {
	namespace := server.Namespace(t)
	for _, kind := range issuerKinds {
		t.Run(kind, func(t *testing.T) {
			object := issuerManifest(t, kind, namespace)
			set(t, object, "status.observedGeneration", int64(1))
			set(t, object, "status.conditions", readyCondition("True", v1alpha1.ReasonChecked, "by a user"))
			must.Do(t, server.Client.Create(t.Context(), object))
			read := v1alpha1.NewVeroIssuer(kind)
			must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(object), read))
			ready := meta.FindStatusCondition(read.VeroStatus().Conditions, v1alpha1.ConditionReady)
			if read.VeroStatus().ObservedGeneration != 0 || ready == nil || ready.Status != metav1.ConditionUnknown ||
				ready.Reason != v1alpha1.ReasonNotChecked {
				t.Errorf("one that nobody has checked says %+v", read.VeroStatus())
			}
			generation := object.GetGeneration()
			before := object.DeepCopy()
			set(t, object, "status.observedGeneration", generation)
			must.Do(t, server.Client.Status().Patch(t.Context(), object, client.MergeFrom(before)))
			if object.GetGeneration() != generation || get(t, object, "status.observedGeneration") != generation {
				t.Errorf("generation %d is now %d", generation, object.GetGeneration())
			}
		})
	}
}

func TestIssuersInCode(t *testing.T) {
	if v1alpha1.NewVeroIssuer("Issuer") != nil {
		t.Error("a kind that is none of ours has an object")
	}
	production := v1alpha1.VeroIssuerSpec{Environment: v1alpha1.VeroEnvironmentProduction}
	own := v1alpha1.VeroIssuerSpec{Environment: v1alpha1.VeroEnvironmentProduction, URL: "https://localhost/"}
	got := []any{
		production.Endpoint(), own.Endpoint(), own.Window(), own.Timeout(),
		(&v1alpha1.BundleReference{}).KeyOrDefault(), (&v1alpha1.BundleReference{Key: "a"}).KeyOrDefault(),
		v1alpha1.LabelValue("abc"), len(v1alpha1.LabelValue(strings.Repeat("a", 64))),
	}
	want := []any{
		v1alpha1.EndpointProduction, "https://localhost/", 1440 * time.Hour, 24 * time.Hour, "ca.crt", "a", "abc", 40,
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("the values differ (-want +got):\n%s", difference)
	}
}
