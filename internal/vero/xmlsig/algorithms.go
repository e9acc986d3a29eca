package xmlsig

import (
	"crypto"

	"github.com/beevik/etree"
)

// signatureMethods are the signature algorithms that are accepted: no SHA-1, and no HMAC, whose key an attacker could
// choose.
var signatureMethods = map[string]crypto.Hash{
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": crypto.SHA512,
}

// digestMethods are the digest algorithms that are accepted.
var digestMethods = map[string]crypto.Hash{
	"http://www.w3.org/2001/04/xmlenc#sha256":       crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmlenc#sha512":       crypto.SHA512,
}

// readHash reads a method that takes no parameters.
func readHash(element *etree.Element, accepted map[string]crypto.Hash) (crypto.Hash, error) {
	algorithm, err := readAlgorithm(element)
	if err != nil {
		return 0, err
	}
	hash, isAccepted := accepted[algorithm]
	if !isAccepted || len(element.ChildElements()) > 0 {
		return 0, refuse(Algorithm, "%s %q is not accepted", element.Tag, algorithm)
	}
	return hash, nil
}
