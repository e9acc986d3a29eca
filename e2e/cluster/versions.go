package cluster

import (
	"golang.org/x/mod/semver"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Version returns the API server's version, for instance "v1.2.3".
func (c *Cluster) Version() string { return c.version }

// CertManagerVersion returns the version of cert-manager's controllers, for instance "v1.2.3".
func (c *Cluster) CertManagerVersion() (string, error) {
	_, version, err := c.binaries.Pins.Versions()
	return version, err
}

// hasPolicies reports whether the API server has ValidatingAdmissionPolicies without being told to. Before 1.30 they
// were a beta version, which also has to be switched on.
func (c *Cluster) hasPolicies() bool { return semver.Compare(c.version, "v1.30") >= 0 }

// fit makes a manifest for the newest API server one that this API server takes, too. It knows what cert-manager's
// definitions and our policies have; anything else that is too new is refused, as it would be elsewhere.
func (c *Cluster) fit(object *unstructured.Unstructured) {
	if c.hasPolicies() {
		return
	}
	switch object.GetKind() {
	case "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding":
		object.SetAPIVersion("admissionregistration.k8s.io/v1beta1")
	case "CustomResourceDefinition":
		versions, _, _ := unstructured.NestedSlice(object.Object, "spec", "versions")
		for _, version := range versions {
			if version, isObject := version.(map[string]any); isObject {
				delete(version, "selectableFields") // Since 1.30; Helm installs without them, too.
			}
		}
		_ = unstructured.SetNestedSlice(object.Object, versions, "spec", "versions")
	}
}
