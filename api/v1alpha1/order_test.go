package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
)

func TestRulesOfOrders(t *testing.T) {
	renewal := map[string]any{"secretName": "tls", "serialNumber": "0a1b", "notAfter": "2028-06-01T12:00:00Z"}
	digest := strings.Repeat("0a", 32)
	const authorization = "SignNewCertificate is authorized by spec.transfer, RenewCertificate by spec.renewal"
	namespace := server.Namespace(t)
	cases := map[string]refused{
		"SignNewCertificate with credentials is taken": {nil, ""},
		"RenewCertificate with a certificate is taken": {map[string]any{
			"spec.operation": "RenewCertificate", "spec.transfer": nil, "spec.renewal": renewal}, ""},
		"SignNewCertificate without credentials": {map[string]any{"spec.transfer": nil}, authorization},
		"SignNewCertificate with both":           {map[string]any{"spec.renewal": renewal}, authorization},
		"SignNewCertificate with a certificate": {
			map[string]any{"spec.transfer": nil, "spec.renewal": renewal}, authorization},
		"RenewCertificate with credentials": {map[string]any{"spec.operation": "RenewCertificate"}, authorization},
		"RenewCertificate with both": {
			map[string]any{"spec.operation": "RenewCertificate", "spec.renewal": renewal}, authorization},
		"RenewCertificate with neither": {
			map[string]any{"spec.operation": "RenewCertificate", "spec.transfer": nil}, authorization},
		"another operation":        {map[string]any{"spec.operation": "GetCertificate"}, "Unsupported value"},
		"another environment":      {map[string]any{"spec.environment": "ACCEPTANCE"}, "Unsupported value"},
		"another issuer":           {map[string]any{"spec.issuerRef.kind": "Issuer"}, "Unsupported value"},
		"an issuer without a name": {map[string]any{"spec.issuerRef.name": ""}, "at least 1 chars long"},
		"no issuer":                {map[string]any{"spec.issuerRef": nil}, "spec.issuerRef: Required value"},
		"no customer":              {map[string]any{"spec.customerID": ""}, "at least 1 chars long"},
		"no request":               {map[string]any{"spec.request": ""}, "at least 1 chars long"},
		"no key":                   {map[string]any{"spec.publicKeyDigest": nil}, "spec.publicKeyDigest: Required value"},
		"a short digest":           {map[string]any{"spec.publicKeyDigest": digest[1:]}, "at least 64 chars long"},
		"a digest in capitals":     {map[string]any{"spec.publicKeyDigest": strings.ToUpper(digest)}, "should match"},
		"a TransferId instead of its digest": {
			map[string]any{"spec.transfer.transferIDDigest": "12345678901"}, "at least 64 chars long",
		},
		"no attempt":     {map[string]any{"spec.attempt": nil}, "spec.attempt: Required value"},
		"attempt nought": {map[string]any{"spec.attempt": int64(0)}, "greater than or equal to 1"},
		"a serial number in capitals": {map[string]any{"spec.operation": "RenewCertificate", "spec.transfer": nil,
			"spec.renewal": map[string]any{"secretName": "tls", "serialNumber": "0A", "notAfter": "2028-06-01T12:00:00Z"},
		}, "should match"},
	}
	addBounds(cases, map[string]int{
		"spec.issuerRef.name": 253, "spec.customerID": 30, "spec.publicKeyDigest": 64, "spec.transfer.secretName": 253,
		"spec.transfer.transferIDDigest": 64,
		// 64 KiB in base64
		"spec.request": 87384,
	}, nil)
	addBounds(cases, map[string]int{"spec.renewal.secretName": 253, "spec.renewal.serialNumber": 128}, map[string]any{
		"spec.operation": "RenewCertificate", "spec.transfer": nil, "spec.renewal.secretName": "tls",
		"spec.renewal.serialNumber": "0a1b", "spec.renewal.notAfter": "2028-06-01T12:00:00Z",
	})
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) { checkCreation(t, orderManifest(t, namespace), c) })
	}
}

// TestOrderIsPendingFromTheBeginning: also where a client has written no status, or something else into it.
func TestOrderIsPendingFromTheBeginning(t *testing.T) {
	namespace := server.Namespace(t)
	for claim, state := range map[string]any{"without a status": nil, "with a status of its own": "Issued"} {
		t.Run(claim, func(t *testing.T) {
			object := orderManifest(t, namespace)
			set(t, object, "status.state", state)
			must.Do(t, server.Client.Create(t.Context(), object))
			read := &v1alpha1.VeroOrder{}
			must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(object), read))
			// ordertest makes orders like that.
			want := ordertest.SignNew().Status
			want.State = v1alpha1.VeroOrderPending
			if difference := cmp.Diff(want, read.Status); difference != "" {
				t.Errorf("its status differs (-want +got):\n%s", difference)
			}
			read.Status = v1alpha1.VeroOrderStatus{RetrievalID: "1"}
			must.Do(t, server.Client.Status().Update(t.Context(), read))
			if read.Status.State != v1alpha1.VeroOrderPending {
				t.Errorf("after a status without a state it is %q", read.Status.State)
			}
		})
	}
}

func TestSpecOfAnOrderCannotBeChanged(t *testing.T) {
	const message = "the spec of a VeroOrder cannot be changed: it is the record of one request to the certificate service"
	namespace := server.Namespace(t)
	for path, value := range map[string]any{
		"spec.attempt": int64(2), "spec.customerID": "7654321-0", "spec.environment": "PRODUCTION",
		"spec.transfer.transferIDDigest": strings.Repeat("0c", 32), "spec.issuerRef.uid": "other", "spec.request": "TUlJ",
	} {
		t.Run(path, func(t *testing.T) {
			object := orderManifest(t, namespace)
			must.Do(t, server.Client.Create(t.Context(), object))
			set(t, object, path, value)
			err := server.Client.Update(t.Context(), object)
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), message) {
				t.Errorf("it is not refused with %q: %v", message, err)
			}
		})
	}
	t.Run("labels and status can", func(t *testing.T) {
		object := orderManifest(t, namespace)
		must.Do(t, server.Client.Create(t.Context(), object))
		object.SetLabels(map[string]string{"a": "b"})
		must.Do(t, server.Client.Update(t.Context(), object))
		set(t, object, "status.state", "Submitted")
		must.Do(t, server.Client.Status().Update(t.Context(), object))
	})
}

func TestRulesOfTheStatusOfOrders(t *testing.T) {
	namespace := server.Namespace(t)
	const moment = "2026-06-01T12:00:00Z"
	cases := map[string]refused{
		"every field is taken": {map[string]any{
			"status.state": "Submitting", "status.retrievalID": strings.Repeat("ä", 32), "status.submissions": int64(1),
			"status.uncertain": true, "status.submissionTime": "2026-06-01T12:00:00.000001Z",
			"status.passwordFingerprint": "0a1b", "status.acceptanceTime": "2026-06-01T12:00:00.000001Z",
		}, ""},
		"another state":          {map[string]any{"status.state": "Lost"}, "Unsupported value"},
		"a long RetrievalId":     {map[string]any{"status.retrievalID": strings.Repeat("1", 33)}, "may not be more than 32"},
		"a password for a print": {map[string]any{"status.passwordFingerprint": "0a1b2"}, "may not be more than 4"},
		"half a print":           {map[string]any{"status.passwordFingerprint": "0a"}, "at least 4 chars long"},
		"no submission":          {map[string]any{"status.submissions": int64(0)}, "greater than or equal to 1"},
		"no poll":                {map[string]any{"status.polls": int64(0)}, "greater than or equal to 1"},
		"no interruption":        {map[string]any{"status.interruptions": int64(0)}, "greater than or equal to 1"},
		"sixteen conditions":     {map[string]any{"status.conditions": conditions(16)}, ""},
		"seventeen conditions":   {map[string]any{"status.conditions": conditions(17)}, "must have at most 16 items"},
	}
	addBounds(cases, map[string]int{
		"status.retrievalID": 32, "status.refusedRetrievalID": 32,
		// 1 MiB in base64
		"status.certificate": 1398104, "status.ca": 1398104,
	}, nil)
	addBounds(cases, map[string]int{"status.lastError.code": 1024, "status.lastError.message": 32768}, map[string]any{
		"status.lastError.code": "PKI099", "status.lastError.message": "later", "status.lastError.time": moment,
	})
	addBounds(cases, map[string]int{
		"status.issuerProblem.reason": 1024, "status.issuerProblem.message": 32768, "status.issuerProblem.trustDigest": 64,
	}, map[string]any{
		"status.issuerProblem.reason": "WrongEnvironment", "status.issuerProblem.message": "PKI005",
		"status.issuerProblem.trustDigest": "0a", "status.issuerProblem.issuerUID": "4e5a7c",
		"status.issuerProblem.issuerGeneration": int64(1), "status.issuerProblem.time": moment,
	})
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			object := orderManifest(t, namespace)
			must.Do(t, server.Client.Create(t.Context(), object))
			for path, value := range c.fields {
				set(t, object, path, value)
			}
			err := server.Client.Status().Update(t.Context(), object)
			if (c.says == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.says)) {
				t.Errorf("the response is %v, want %q", err, c.says)
			}
		})
	}
}

func condition(kind string) map[string]any {
	return map[string]any{"type": kind, "status": "True", "reason": "Tested", "message": "",
		"lastTransitionTime": "2026-06-01T12:00:00Z"}
}

// conditions are so many, of different types.
func conditions(count int) []any {
	all := make([]any, 0, count)
	for i := range count {
		all = append(all, condition(fmt.Sprint("Tested", i)))
	}
	return all
}

// TestConditionsAreAMap: two controllers that set different conditions do not remove each other's.
func TestConditionsAreAMap(t *testing.T) {
	object := orderManifest(t, server.Namespace(t))
	must.Do(t, server.Client.Create(t.Context(), object))
	set(t, object, "status.conditions", []any{condition("Ready"), condition("Ready")})
	if err := server.Client.Status().Update(t.Context(), object); err == nil ||
		!strings.Contains(err.Error(), "Duplicate value") {
		t.Errorf("two conditions of one type: %v", err)
	}
}
