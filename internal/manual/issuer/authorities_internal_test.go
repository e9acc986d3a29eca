package issuer

import (
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TestAnIssuerTellsWhichAuthorityIsMissing, of those that are expected, and leaves it at that.
func TestAnIssuerTellsWhichAuthorityIsMissing(t *testing.T) {
	const root, issuing = "DVV Gov. Root CA - G3 RSA", "DVV Service Certificates - G5R"
	for claim, c := range map[string]struct {
		spec  v1alpha1.ManualIssuerSpec
		holds []string
		want  string
	}{
		"nothing where both are there": {
			v1alpha1.ManualIssuerSpec{Preset: v1alpha1.ManualPresetDVVInterfaceCertificate},
			[]string{"Another", issuing, root}, "",
		},
		"the preset's issuing authority": {
			v1alpha1.ManualIssuerSpec{Preset: v1alpha1.ManualPresetDVVInterfaceCertificate},
			[]string{root}, "no certificate of " + issuing + ", as is expected",
		},
		"one of the issuer's own in the preset's place": {
			v1alpha1.ManualIssuerSpec{
				Preset: v1alpha1.ManualPresetDVVInterfaceCertificate, Authorities: []string{"DVV Gov. Root CA - G4"},
			},
			[]string{root, issuing}, "no certificate of DVV Gov. Root CA - G4, as is expected",
		},
		"nothing where none is expected": {v1alpha1.ManualIssuerSpec{}, nil, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := lacks(&c.spec, c.holds); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("it says %q", got)
			}
			expected := expects(&c.spec)
			for _, name := range c.spec.ExpectedAuthorities() {
				if !strings.Contains(expected, name) {
					t.Errorf("a bundle that is missing does not ask for %q: %q", name, expected)
				}
			}
		})
	}
}
