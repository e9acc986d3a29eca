package authority

// DVV is a look-alike of the authorities that issue interface certificates of DVV's stamping service (leimapalvelu),
// and of those that DVV tests with. Common names, kinds of keys and pathLen are the real ones; everything else says
// that they are not.
type DVV struct {
	// Root and Issuing stand above certificates that can be used.
	Root, Issuing Pair
	// TestRoot and TestIssuing stand above those of the test hierarchy.
	TestRoot, TestIssuing Pair
}

// DVVBundle is the name of one of the PEM bundles of DVV.
type DVVBundle string

// The bundles of DVV, root and intermediates apart: what DVV sends is the leaf alone.
const (
	// DVVRootBundle is the root.
	DVVRootBundle DVVBundle = "dvv-root"
	// DVVIntermediatesBundle is the issuing CA.
	DVVIntermediatesBundle DVVBundle = "dvv-intermediates"
	// DVVTestRootBundle is the root of the test hierarchy.
	DVVTestRootBundle DVVBundle = "dvv-test-root"
	// DVVTestIntermediatesBundle is the issuing CA of the test hierarchy.
	DVVTestIntermediatesBundle DVVBundle = "dvv-test-intermediates"
)

// dvvBlueprints are apart from the others: their keys are four times RSA, and few runs of the simulator need them.
var dvvBlueprints = []blueprint{
	{
		name: "dvv-root", commonName: "DVV Gov. Root CA - G3 RSA",
		pair: func(a *Authorities) *Pair { return &a.dvv.Root }, generate: generateRSA, kept: true,
	},
	{
		name: "dvv-issuing", commonName: "DVV Service Certificates - G5R", lowest: true,
		pair:   func(a *Authorities) *Pair { return &a.dvv.Issuing },
		parent: func(a *Authorities) *Pair { return &a.dvv.Root }, generate: generateRSA, kept: true,
	},
	{
		name: "dvv-test-root", commonName: "DVV TEST Root CA - G3 RSA",
		pair: func(a *Authorities) *Pair { return &a.dvv.TestRoot }, generate: generateRSA, kept: true,
	},
	{
		name: "dvv-test-issuing", commonName: "DVV TEST Service Certificates - G5R", lowest: true,
		pair:   func(a *Authorities) *Pair { return &a.dvv.TestIssuing },
		parent: func(a *Authorities) *Pair { return &a.dvv.TestRoot }, generate: generateRSA, kept: true,
	},
}

// DVV is the two hierarchies of DVV. The first call makes them, which takes as long as four RSA keys; its error says
// which key could not be made or kept, and stays.
func (a *Authorities) DVV() (*DVV, error) {
	if err := a.prepareDVV(); err != nil {
		return nil, err
	}
	return &a.dvv, nil
}

// PEM is one of DVV's bundles; nil for a bundle that is none of them.
func (d *DVV) PEM(bundle DVVBundle) []byte {
	switch bundle {
	case DVVRootBundle:
		return encode(d.Root.Certificate)
	case DVVIntermediatesBundle:
		return encode(d.Issuing.Certificate)
	case DVVTestRootBundle:
		return encode(d.TestRoot.Certificate)
	case DVVTestIntermediatesBundle:
		return encode(d.TestIssuing.Certificate)
	}
	return nil
}
