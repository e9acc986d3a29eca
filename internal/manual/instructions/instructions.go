// Package instructions says what a person has to do for a ManualOrder: the steps of its issuer, or of the issuer's
// preset, with everything filled in that differs from order to order. It calls nothing and reads no clock.
package instructions

import (
	"cmp"
	_ "embed" // the steps of the presets
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// maxSteps is how long steps can be once everything is filled in, in bytes; the API server takes as many.
const maxSteps = 32768

// certificateName is cert-manager's annotation with the name of the Certificate.
const certificateName = "cert-manager.io/certificate-name"

// The steps of DVV's form, by the headings of its own instructions for the stamping service, chapter 3.1 (seed 000).
var (
	//go:embed dvv.en.md
	dvvEnglish string
	//go:embed dvv.fi.md
	dvvFinnish string
)

// Of are the instructions of an issuer: its own, and where they leave something out the preset's.
func Of(spec *v1alpha1.ManualIssuerSpec) []v1alpha1.ManualInstructions {
	merged := slices.Clone(spec.Instructions)
	for _, known := range ofPreset(spec.Preset) {
		i := slices.IndexFunc(merged, func(own v1alpha1.ManualInstructions) bool { return own.Language == known.Language })
		if i < 0 {
			merged = append(merged, known)
			continue
		}
		own := &merged[i]
		own.Steps, own.URL = cmp.Or(own.Steps, known.Steps), cmp.Or(own.URL, known.URL)
		own.Contact = cmp.Or(own.Contact, known.Contact)
	}
	return merged
}

func ofPreset(preset v1alpha1.ManualPreset) []v1alpha1.ManualInstructions {
	if preset != v1alpha1.ManualPresetDVVInterfaceCertificate {
		return nil
	}
	known := v1alpha1.ManualInstructions{URL: "https://asiointi.dvv.fi/", Contact: "vptuotanto@dvv.fi"}
	english, finnish := known, known
	english.Language, english.Steps = "en", dvvEnglish
	finnish.Language, finnish.Steps = "fi", dvvFinnish
	return []v1alpha1.ManualInstructions{english, finnish}
}

// Fill fills instructions in for an order.
func Fill(instructions []v1alpha1.ManualInstructions, order *v1alpha1.ManualOrder) []v1alpha1.OrderInstructions {
	filled := make([]v1alpha1.OrderInstructions, 0, len(instructions))
	for _, i := range instructions {
		filled = append(filled, v1alpha1.OrderInstructions{
			Language: i.Language, Steps: shortened(fill(i, order)), URL: i.URL, Contact: i.Contact,
		})
	}
	return filled
}

func fill(i v1alpha1.ManualInstructions, order *v1alpha1.ManualOrder) string {
	return strings.NewReplacer(
		"{{order}}", order.Name, "{{namespace}}", order.Namespace, "{{certificate}}", certificate(order),
		"{{issuer}}", order.Spec.IssuerRef.Name, "{{csrFile}}", CSRFile(order), "{{writeRequest}}", WriteRequest(order),
		"{{noteApplication}}", NoteApplication(order),
		"{{bringCertificate}}", StoreFile(order)+"\n"+NameFile(order), "{{url}}", i.URL, "{{contact}}", i.Contact,
	).Replace(i.Steps)
}

// certificate names what the order is for. Anybody can write into annotations, and people copy the steps into a shell:
// what is no name of an object is passed over.
func certificate(order *v1alpha1.ManualOrder) string {
	for _, annotation := range []string{certificateName, v1alpha1.AnnotationRequestName} {
		if name := order.Annotations[annotation]; len(validation.IsDNS1123Subdomain(name)) == 0 {
			return name
		}
	}
	return order.Name
}

// shortened cuts steps that have become too long, at the end of a character.
func shortened(steps string) string {
	if len(steps) <= maxSteps {
		return steps
	}
	const mark = "…"
	return strings.ToValidUTF8(steps[:maxSteps-len(mark)], "") + mark
}
