package requirements

import (
	"go/constant"
	"go/types"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/tools/go/packages"
)

// TestUsagesAreThoseOfCertManager, every one of which its API declares a constant for.
func TestUsagesAreThoseOfCertManager(t *testing.T) {
	usages := declared(t)
	if len(usages) != len(keyUsages)+len(extKeyUsages) {
		t.Errorf("the API has %d usages, and we have %d and %d", len(usages), len(keyUsages), len(extKeyUsages))
	}
	for _, usage := range usages {
		bits, is := keyUsages[usage]
		if want, wanted := cmutil.KeyUsageType(usage); bits != want || is != wanted {
			t.Errorf("%q is key usage %v (%v), want %v (%v)", usage, bits, is, want, wanted)
		}
		purpose, is := extKeyUsages[usage]
		if want, wanted := cmutil.ExtKeyUsageType(usage); purpose != want || is != wanted {
			t.Errorf("%q is extended key usage %v (%v), want %v (%v)", usage, purpose, is, want, wanted)
		}
	}
}

// declared are the constants of cert-manager's API of the type KeyUsage.
func declared(t *testing.T) []cmapi.KeyUsage {
	t.Helper()
	const path = "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedTypes, Context: t.Context()}, path)
	if err != nil || len(loaded) != 1 {
		t.Fatal(len(loaded), err)
	}
	var usages []cmapi.KeyUsage
	scope := loaded[0].Types.Scope()
	for _, name := range scope.Names() {
		value, is := scope.Lookup(name).(*types.Const)
		if is && types.TypeString(value.Type(), nil) == path+".KeyUsage" {
			usages = append(usages, cmapi.KeyUsage(constant.StringVal(value.Val())))
		}
	}
	return usages
}
