package v1alpha1_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func manualOrderManifest(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, `
apiVersion: varmenne.dev/v1alpha1
kind: ManualOrder
metadata:
  generateName: manual-
spec:
  request: LS0tLS1CRUdJTg==
  publicKeyDigest: `+strings.Repeat("a", 64)+`
  issuerRef: {kind: ManualIssuer, name: dvv}
`)
	object.SetNamespace(namespace)
	return object
}

func manualIssuerManifest(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, `
apiVersion: varmenne.dev/v1alpha1
kind: ManualIssuer
metadata:
  generateName: dvv-
spec:
  preset: DVVInterfaceCertificate
  trust: {configMapKeyRef: {name: dvv-authorities, key: root.pem}}
`)
	object.SetNamespace(namespace)
	return object
}

// steps are instructions in one language; none leaves them out.
func steps(language, text string) []any {
	instructions := map[string]any{"language": language, "contact": "it@example.fi"}
	if text != "" {
		instructions["steps"] = text
	}
	return []any{instructions}
}

func trackedManifest(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, `
apiVersion: varmenne.dev/v1alpha1
kind: TrackedCertificate
metadata:
  generateName: stamp-
spec:
  source: {certificateName: stamping}
`)
	object.SetNamespace(namespace)
	return object
}

// leaked is what must not be stored, nor stand in an error.
const leaked = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n"

// field is a case with one field that is changed.
func field(path string, value any, says string) refused {
	return refused{map[string]any{path: value}, says}
}

const (
	changeNotice = "spec.changeNotice"
	instructions = "spec.instructions"
)

// notice is a change notice.
func notice(to string, when any) map[string]any {
	return map[string]any{"to": to, "subject": "s", "when": []any{when}}
}

func TestRulesOfWhatAPersonWrites(t *testing.T) {
	inline := map[string]any{"certificate": leaked}
	reference := map[string]any{"configMapKeyRef": map[string]any{"name": "a", "key": "b"}}
	both := map[string]any{
		"configMapKeyRef": map[string]any{"name": "a", "key": "b"}, "secretKeyRef": map[string]any{"name": "a", "key": "b"},
	}
	for claim, c := range map[string]struct {
		object func(*testing.T, string) *unstructured.Unstructured
		refused
	}{
		"a certificate as text":      {manualOrderManifest, field("spec.certificate", "text", "")},
		"a certificate by reference": {manualOrderManifest, field("spec.certificateFrom", reference, "")},
		"a serial number that is too long for RFC 5280": {manualOrderManifest, field("spec.renews",
			map[string]any{"serialNumber": strings.Repeat("f", 128), "notAfter": "2027-01-01T00:00:00Z"}, "")},
		"a certificate from two objects": {manualOrderManifest, field("spec.certificateFrom", both, "exactly one")},
		"a certificate in two ways": {manualOrderManifest, refused{
			map[string]any{"spec.certificateFrom": reference, "spec.certificate": "text"}, "not both"}},
		"a private key": {manualOrderManifest, field("spec.certificate", leaked, "treat it as leaked")},
		"a private key for a reference": {
			manualOrderManifest, field("spec.application.reference", leaked, "treat it as leaked")},
		"a reference that moves the cursor": {
			manualOrderManifest, field("spec.application.reference", "7\x1b[2J", "visible characters")},
		"a reference in two lines": {
			manualOrderManifest, field("spec.application.reference", "7\nApproved", "visible characters")},
		"somebody from right to left": {manualOrderManifest, field("spec.application",
			map[string]any{"reference": "7", "by": "\u202eajiaM"}, "visible characters")},
		"a reference in Finnish": {
			manualOrderManifest, field("spec.application.reference", "Tilaus n:o 7 – `Pöytä` {{url}}", "")},
		"an application as the command has it": {manualOrderManifest, field(
			"spec.application", map[string]any{"reference": "…"}, "in the place of …: its number")},
		"a private key to be tracked":         {trackedManifest, field("spec.source", inline, "treat it as leaked")},
		"two certificates to be tracked":      {trackedManifest, field("spec.source.certificate", "text", "exactly one")},
		"no certificate to be tracked":        {trackedManifest, field("spec.source", map[string]any{}, "exactly one")},
		"the preset's steps, another contact": {manualIssuerManifest, field(instructions, steps("fi", ""), "")},
		"no steps in a language of nobody":    {manualIssuerManifest, field(instructions, steps("sv", ""), "en and fi")},
		"no steps without a preset": {manualIssuerManifest, refused{
			map[string]any{instructions: steps("fi", ""), "spec.preset": nil}, "write what the person has to do"}},
		"steps with placeholders": {
			manualIssuerManifest, field(instructions, steps("sv", "{{order}} {{writeRequest}} {{contact}}"), "")},
		"steps with one that is unknown": {
			manualIssuerManifest, field(instructions, steps("sv", "{{order}} {{date}}"), "known ones are {{order}}")},
		"reminders three years before": {trackedManifest, field("spec.remindBefore", "26280h", "at most 17520h")},
		"a notice for nobody":          {trackedManifest, field(changeNotice, notice("x", "Any"), "spec.changeNotice.to")},
		"a notice of the unknown":      {trackedManifest, field(changeNotice, notice("a@b", "Mood"), "Unsupported value")},
	} {
		t.Run(claim, func(t *testing.T) { checkCreation(t, c.object(t, server.Namespace(t)), c.refused) })
	}
}

// TestAPrivateKeyIsNotRepeated by the API server that refuses it.
func TestAPrivateKeyIsNotRepeated(t *testing.T) {
	type secret struct {
		object     func(*testing.T, string) *unstructured.Unstructured
		path, text string
	}
	texts := []string{
		leaked, "PuTTY-User-Key-File-3: ssh-rsa\nc2VjcmV0", `{"kty": "RSA", "d": "c2VjcmV0"}`,
		"<RSAKeyValue><D>c2VjcmV0</D></RSAKeyValue>",
	}
	secrets := make([]secret, 0, 1+2*len(texts))
	secrets = append(secrets, secret{manualOrderManifest, "spec.application.reference", leaked})
	for _, text := range texts {
		secrets = append(secrets,
			secret{manualOrderManifest, "spec.certificate", text}, secret{trackedManifest, "spec.source.certificate", text})
	}
	for _, s := range secrets {
		object := s.object(t, server.Namespace(t))
		unstructured.RemoveNestedField(object.Object, "spec", "source", "certificateName")
		set(t, object, s.path, s.text)
		err := server.Client.Create(t.Context(), object)
		if err == nil || strings.Contains(err.Error(), "c2VjcmV0") || !strings.Contains(err.Error(), "treat it as leaked") {
			t.Errorf("with %q in %s, the API server says %v", s.text, s.path, err)
		}
	}
}

// TestAManualOrderKeepsWhatWasCarried: the request never changes, and nothing does once the order is issued.
func TestAManualOrderKeepsWhatWasCarried(t *testing.T) {
	renews := map[string]any{"serialNumber": "1", "notAfter": "2027-01-01T00:00:00Z"}
	for claim, c := range map[string]struct {
		issued bool
		refused
	}{
		"another request":      {false, field("spec.request", "YWJj", "cannot be changed")},
		"another issuer":       {false, field("spec.issuerRef.name", "other", "cannot be changed")},
		"something to replace": {false, field("spec.renews", renews, "cannot be changed")},
		"another application": {false, refused{map[string]any{
			"spec.application": map[string]any{"reference": "8"}}, "application 7 is noted already, by Maija"}},
		"no application any more":       {false, refused{map[string]any{"spec.application": nil}, ""}},
		"who has applied":               {false, refused{map[string]any{"spec.application.by": "Matti"}, ""}},
		"a certificate":                 {false, field("spec.certificate", "text", "")},
		"a certificate when it is over": {true, field("spec.certificate", "text", "is issued")},
	} {
		t.Run(claim, func(t *testing.T) {
			object := manualOrderManifest(t, server.Namespace(t))
			server.Create(t, object)
			set(t, object, "spec.application", map[string]any{"reference": "7", "by": "Maija"})
			if err := server.Client.Update(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			if c.issued {
				set(t, object, "status.state", "Issued")
				must.Do(t, server.Client.Status().Update(t.Context(), object))
			}
			for path, value := range c.fields {
				set(t, object, path, value)
			}
			err := server.Client.Update(t.Context(), object)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the API server says %v", err)
			}
		})
	}
}

func TestWhatAManualIssuerAccepts(t *testing.T) {
	dvv := v1alpha1.ManualIssuerSpec{Preset: v1alpha1.ManualPresetDVVInterfaceCertificate}
	own := v1alpha1.ManualIssuerSpec{
		Preset: dvv.Preset, Keys: []v1alpha1.ManualKey{{Algorithm: v1alpha1.KeyAlgorithmECDSA}},
	}
	for claim, c := range map[string]struct {
		spec      v1alpha1.ManualIssuerSpec
		algorithm v1alpha1.KeyAlgorithm
		size      int32
		want      bool
	}{
		"every key where none is named":    {v1alpha1.ManualIssuerSpec{}, v1alpha1.KeyAlgorithmEd25519, 256, true},
		"the preset's":                     {dvv, v1alpha1.KeyAlgorithmRSA, 4096, true},
		"no other size than the preset's":  {dvv, v1alpha1.KeyAlgorithmRSA, 3072, false},
		"no other algorithm":               {dvv, v1alpha1.KeyAlgorithmECDSA, 256, false},
		"what is named before the preset":  {own, v1alpha1.KeyAlgorithmECDSA, 384, true},
		"and nothing else of the preset's": {own, v1alpha1.KeyAlgorithmRSA, 2048, false},
	} {
		if got := c.spec.Accepts(c.algorithm, c.size); got != c.want {
			t.Errorf("%s: %v", claim, got)
		}
	}
}
