package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// values of a field, by claim, and whether they are taken.
type values map[string]struct {
	value string
	taken bool
}

// TestTheAPIServerAndTheProtocolTakeTheSameValues: the markers of a field and the check in Go are one rule.
func TestTheAPIServerAndTheProtocolTakeTheSameValues(t *testing.T) {
	namespace := server.Namespace(t)
	for field, c := range map[string]struct {
		check func(string) error
		table values
	}{
		"spec.customerID":   {protocol.CheckCustomerID, customerIDs()},
		"spec.customerName": {protocol.CheckCustomerName, customerNames()},
		"spec.url": {func(value string) error {
			_, err := client.New(client.Options{URL: value})
			return err
		}, urls()},
	} {
		for claim, v := range c.table {
			t.Run(field+": "+claim, func(t *testing.T) {
				if err := c.check(v.value); (err == nil) != v.taken {
					t.Errorf("%q in Go: %v", v.value, err)
				}
				if err := dryRun(t, namespace, field, v.value); (err == nil) != v.taken {
					t.Errorf("%q in the API server: %v", v.value, err)
				}
			})
		}
	}
}

// TestOnlyTheProtocolMeasuresANameAsItIsSent: normalized, which CEL cannot do. What is too long only as it was written
// is refused early, and what only becomes too long is refused by the check of the issuer.
func TestOnlyTheProtocolMeasuresANameAsItIsSent(t *testing.T) {
	namespace := server.Namespace(t)
	for claim, c := range map[string]struct {
		value           string
		inGo, inCluster bool
	}{
		"shorter when it is sent": {strings.Repeat("a\u0308", 60), true, false},
		"longer when it is sent":  {strings.Repeat("\u0958", 60), false, true},
	} {
		inGo, inCluster := protocol.CheckCustomerName(c.value), dryRun(t, namespace, "spec.customerName", c.value)
		if (inGo == nil) != c.inGo || (inCluster == nil) != c.inCluster {
			t.Errorf("%s: in Go %v, in the API server %v", claim, inGo, inCluster)
		}
	}
}

// dryRun has the API server judge a value of a field.
func dryRun(t *testing.T, namespace, field, value string) error {
	t.Helper()
	object := issuerManifest(t, v1alpha1.KindVeroIssuer, namespace)
	set(t, object, field, value)
	err := server.Client.Create(t.Context(), object, ctrlclient.DryRunAll)
	if err != nil && !apierrors.IsInvalid(err) {
		t.Fatal(err)
	}
	return err
}

func customerIDs() values {
	return values{
		"a business id":            {"0123456-7", true},
		"a VAT number":             {"FI01234567", true},
		"seven digits":             {"0123456", true},
		"nine digits":              {"012345678", true},
		"special characters":       {`<&>'"~!`, true},
		"a slash, asterisk apart":  {"a/b.*c", true},
		"a reference":              {"&#65;", true},
		"30 characters":            {strings.Repeat("x", 30), true},
		"31 characters":            {strings.Repeat("x", 31), false},
		"nothing":                  {"", false},
		"eight digits":             {"01234567", false},
		"eight digits and a line":  {"01234567\n", false},
		"a business id and a line": {"0123456-7\n", false},
		"a blank for the hyphen":   {"0123456 7", false},
		"no-break for the hyphen":  {"0123456\u00A07", false},
		"an en dash":               {"0123456–7", false},
		"a minus sign":             {"0123456−7", false},
		"a hyphen of typography":   {"0123456‐7", false},
		"a blank before":           {" 0123456-7", false},
		"a blank after":            {"0123456-7 ", false},
		"a tab":                    {"0123456\t7", false},
		"a null":                   {"0123456-7\x00", false},
		"a delete":                 {"0123456-7\x7f", false},
		"two hyphens":              {"0123456--7", false},
		"a comment":                {"0123456/*7", false},
		"a letter beyond ASCII":    {"Ä123456-7", false},
		"a full-width digit":       {"012345６-7", false},
		"a zero width space":       {"0123456-7\u200B", false},
		"a byte order mark":        {"\uFEFF0123456-7", false},
		"31 letters beyond ASCII":  {strings.Repeat("ä", 31), false},
	}
}

func customerNames() values {
	table := values{
		"a name":                 {"Esimerkki Öljy & Kumppanit Oy, \"Häme\" <A/S>", true},
		"100 letters":            {strings.Repeat("ä", 100), true},
		"101 letters":            {strings.Repeat("ä", 101), false},
		"50 that count twice":    {strings.Repeat("\U0001F600", 50), true},
		"51 that count twice":    {strings.Repeat("\U0001F600", 51), false},
		"letters in two parts":   {strings.Repeat("a\u0308", 50), true},
		"no-break space inside":  {"Oy\u00A0Ab", true},
		"no-break space outside": {"Oy\u00A0", false},
		"a blank before":         {" Oy", false},
		"a blank alone":          {" ", false},
		"two hyphens":            {"A -- B", false},
		"a comment":              {"A /* B", false},
		"a dash and a reference": {"A – B &#65;", true},
	}
	// Controls, separators, format characters, private and unassigned ones, and such as have no shape.
	for _, r := range "\x00\t\n\r\x1b\x7f\u0085\u2028\u2029\u00AD\u200B\u200D\u202E\u2060\uFEFF\uE000\u0378\uFFFE\uFFFF" +
		"\u034F\u115F\u1160\u17B4\u180B\u180E\u180F\u3164\uFE00\uFE0F\uFFA0\U000E0001\U000E0100\U000E01EF\U0010FFFF" {
		table["with "+fmt.Sprintf("%U", r)] = struct {
			value string
			taken bool
		}{"O" + string(r) + "y", false}
	}
	return table
}

func urls() values {
	return values{
		"an endpoint":              {"https://localhost:8443/services?x=1", true},
		"an address":               {"https://[::1]:8443/", true},
		"a host alone":             {"https://localhost", true},
		"a user":                   {"https://user@localhost/", true},
		"a fragment":               {"https://localhost/#x", true},
		"a fragment after a host":  {"https://localhost#x", false},
		"plain http":               {"http://localhost/", false},
		"a scheme in capitals":     {"HTTPS://localhost/", false},
		"no scheme":                {"localhost:8443", false},
		"no host":                  {"https:///services", false},
		"a port without a host":    {"https://:8443/", false},
		"a blank in the host":      {"https://a b/", false},
		"a port that is no number": {"https://localhost:x/", false},
		"half of an escape":        {"https://localhost/%2", false},
		"a line break":             {"https://localhost/\n", false},
		"a blank before":           {" https://localhost/", false},
	}
}
