package chart_test

import "testing"

func TestHelmFindsNothingToComplainOf(t *testing.T) {
	helm := helm(t)
	for name := range settings(t) {
		said, err := helm.Run(t.Context(), nil,
			"lint", "--strict", helm.Chart, "--namespace", releaseNamespace, "--values", "testdata/values/"+name+".yaml")
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}
