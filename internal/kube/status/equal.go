package status

import (
	"bytes"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/conversion"
)

// Equal compares values as the API server means them, as equality.Semantic does. Bytes, of which a request and its
// chain have thousands, are compared at once, and not one after the other by reflection.
func Equal(one, other any) bool { return semantic.DeepEqual(one, other) }

//nolint:gochecknoglobals // as equality.Semantic is, of which it is a copy
var semantic = func() conversion.Equalities {
	equalities := equality.Semantic.Copy()
	if err := equalities.AddFunc(bytes.Equal); err != nil {
		panic(err) // it is no function that compares
	}
	return equalities
}()
