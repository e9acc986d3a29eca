package samples

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// samples are the manifests of a directory, and those of them that want something to be there: a VeroIssuer, and a
// MessagesPassword, which may be missing.
type samples struct {
	objects  []*unstructured.Unstructured
	issuer   *v1alpha1.VeroIssuer
	messages *v1alpha1.MessagesPassword
}

// read reads a directory. Its VeroIssuer must be the only one, and take trust from ConfigMaps and credentials from a
// Secret: these are what the rehearsal provides.
func read(directory string) (*samples, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list the samples: %w", err)
	}
	found := &samples{}
	for _, file := range files {
		if err := found.add(file); err != nil {
			return nil, fmt.Errorf("read the sample %s: %w", file, err)
		}
	}
	if found.issuer == nil {
		return nil, fmt.Errorf("the samples in %s have no VeroIssuer, whose trust and credentials could be provided",
			directory)
	}
	return found, found.check()
}

func (s *samples) add(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), len(content)+1)
	for {
		sample := &unstructured.Unstructured{}
		if err := decoder.Decode(&sample.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if len(sample.Object) == 0 {
			continue
		}
		if err := s.recognize(sample); err != nil {
			return err
		}
		s.objects = append(s.objects, sample)
	}
}

func (s *samples) recognize(sample *unstructured.Unstructured) error {
	switch sample.GroupVersionKind() {
	case v1alpha1.GroupVersion.WithKind(v1alpha1.KindVeroIssuer):
		if s.issuer != nil {
			return fmt.Errorf("there are two VeroIssuers, %s and %s; keep one", s.issuer.Name, sample.GetName())
		}
		s.issuer = &v1alpha1.VeroIssuer{}
		return runtime.DefaultUnstructuredConverter.FromUnstructured(sample.Object, s.issuer)
	case v1alpha1.GroupVersion.WithKind(v1alpha1.KindMessagesPassword):
		if s.messages != nil {
			return fmt.Errorf("there are two MessagesPasswords, %s and %s; keep one", s.messages.Name, sample.GetName())
		}
		s.messages = &v1alpha1.MessagesPassword{}
		return runtime.DefaultUnstructuredConverter.FromUnstructured(sample.Object, s.messages)
	default:
		return nil
	}
}

func (s *samples) check() error {
	trust := s.issuer.Spec.Trust
	for field, source := range map[string]*v1alpha1.BundleSource{
		"tls": trust.TLS, "responses": &trust.Responses, "issuance": &trust.Issuance,
	} {
		if source == nil || source.ConfigMapKeyRef == nil {
			return fmt.Errorf("the sample VeroIssuer %s: spec.trust.%s must be a configMapKeyRef, which the rehearsal fills",
				s.issuer.Name, field)
		}
	}
	if reference := s.issuer.Spec.TransferSecretRef; reference == nil || reference.Name == "" {
		return fmt.Errorf("the sample VeroIssuer %s: spec.transferSecretRef must name the Secret that the rehearsal fills",
			s.issuer.Name)
	}
	if s.messages == nil {
		return nil
	}
	if from := s.messages.Spec.TLS; from == nil || from.ConfigMapKeyRef == nil || *from.ConfigMapKeyRef !=
		*trust.TLS.ConfigMapKeyRef {
		return fmt.Errorf("the sample MessagesPassword %s: spec.tls must be the configMapKeyRef of the sample VeroIssuer's "+
			"spec.trust.tls, since both call the same simulator", s.messages.Name)
	}
	return nil
}

// bundles are the ConfigMaps that the issuer refers to, filled.
func (s *samples) bundles(tls, responses, issuance []byte) []*unstructured.Unstructured {
	trust := s.issuer.Spec.Trust
	var maps []*unstructured.Unstructured
	byName := map[string]map[string]any{}
	for _, bundle := range []struct {
		reference *v1alpha1.BundleReference
		content   []byte
	}{
		{trust.TLS.ConfigMapKeyRef, tls},
		{trust.Responses.ConfigMapKeyRef, responses},
		{trust.Issuance.ConfigMapKeyRef, issuance},
	} {
		name := bundle.reference.Name
		if byName[name] == nil {
			byName[name] = map[string]any{}
			maps = append(maps, object("ConfigMap", name, "data", byName[name]))
		}
		byName[name][cmp.Or(bundle.reference.Key, v1alpha1.DefaultBundleKey)] = string(bundle.content)
	}
	return maps
}

// credentials is the Secret that the issuer refers to, filled.
func (s *samples) credentials(minted *admin.Credential) *unstructured.Unstructured {
	return object("Secret", s.issuer.Spec.TransferSecretRef.Name, "data", map[string]any{
		v1alpha1.KeyTransferID:       base64.StdEncoding.EncodeToString([]byte(minted.TransferID)),
		v1alpha1.KeyTransferPassword: base64.StdEncoding.EncodeToString([]byte(minted.TransferPassword)),
	})
}

// firstPassword is the Secret that the MessagesPassword refers to, as the owner of the service has sent it.
func (s *samples) firstPassword(opened *admin.MessagesAccount) *unstructured.Unstructured {
	return object("Secret", s.messages.Spec.SecretRef.Name, "data", map[string]any{
		v1alpha1.KeyUsername: base64.StdEncoding.EncodeToString([]byte(opened.SystemID)),
		v1alpha1.KeyPassword: base64.StdEncoding.EncodeToString([]byte(opened.Password)),
	})
}

// object is a ConfigMap or Secret.
func object(kind, name, field string, content map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}, field: content,
	}}
}
