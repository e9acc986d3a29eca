package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// manifest reads an object as a user writes it; without the Go types, which would fill in what is left out.
func manifest(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(text), &object.Object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}

// set changes a field, given by its path; a value of nil removes it.
func set(t *testing.T, object *unstructured.Unstructured, path string, value any) {
	t.Helper()
	fields := strings.Split(path, ".")
	if value == nil {
		unstructured.RemoveNestedField(object.Object, fields...)
		return
	}
	must.Do(t, unstructured.SetNestedField(object.Object, value, fields...))
}

func get(t *testing.T, object *unstructured.Unstructured, path string) any {
	t.Helper()
	value, _, err := unstructured.NestedFieldNoCopy(object.Object, strings.Split(path, ".")...)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// refused are the fields to change, each by its path, and what the API server must say; empty if it must take them.
type refused struct {
	fields map[string]any
	says   string
}

// addBounds adds the cases of fields, by their paths, that may have so many characters and no more, each with what the
// object has besides. "a" is a letter, a hexadecimal digit, and four of it are bytes in base64.
func addBounds(cases map[string]refused, longest map[string]int, besides map[string]any) {
	for path, length := range longest {
		with := func(length int) map[string]any {
			fields := map[string]any{path: strings.Repeat("a", length)}
			for other, value := range besides {
				if other != path {
					fields[other] = value
				}
			}
			return fields
		}
		cases[path+" of full length"] = refused{with(length), ""}
		cases[path+" and longer"] = refused{
			with(length + 4), fmt.Sprintf("%s: Too long: may not be more than %d", path, length),
		}
	}
}

func checkCreation(t *testing.T, object *unstructured.Unstructured, c refused) {
	t.Helper()
	for path, value := range c.fields {
		set(t, object, path, value)
	}
	err := server.Client.Create(t.Context(), object)
	switch {
	case c.says == "" && err != nil:
		t.Errorf("it is refused: %v", err)
	case c.says != "" && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), c.says)):
		t.Errorf("it is not refused with %q: %v", c.says, err)
	}
}

func issuerManifest(t *testing.T, kind, namespace string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, `
apiVersion: varmenne.dev/v1alpha1
metadata:
  generateName: vero-
spec:
  environment: TEST
  customerID: 0123456-7
  trust:
    responses: {caBundle: LS0tLS1CRUdJTg==}
    issuance: {configMapKeyRef: {name: vero-trust}}
`)
	object.SetKind(kind)
	if kind == v1alpha1.KindVeroIssuer {
		object.SetNamespace(namespace)
	}
	return object
}

// issuerKinds have the same spec, and the same rules.
var issuerKinds = []string{v1alpha1.KindVeroIssuer, v1alpha1.KindVeroClusterIssuer}

func orderManifest(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, `
apiVersion: varmenne.dev/v1alpha1
kind: VeroOrder
metadata:
  generateName: sign-
  annotations: {cert-manager.io/certificate-name: tax}
spec:
  issuerRef: {kind: VeroIssuer, name: vero, uid: 4e5a7c}
  operation: SignNewCertificate
  environment: TEST
  customerID: 0123456-7
  request: LS0tLS1CRUdJTg==
  requestUID: 9b1f
  attempt: 1
`)
	object.SetNamespace(namespace)
	set(t, object, "spec.publicKeyDigest", strings.Repeat("0a", 32))
	set(t, object, "spec.transfer", map[string]any{
		"secretName": "vero-transfer", "transferIDDigest": strings.Repeat("0b", 32),
	})
	return object
}
