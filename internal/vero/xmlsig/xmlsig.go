// Package xmlsig reads XML strictly, and makes and verifies enveloped XML signatures (XML-DSig) the way the certificate
// service uses them (docs/protocol.md, XML signatures).
//
// etree, which the tree comes from, reads leniently: it accepts a DOCTYPE, two roots, equal attributes and undeclared
// prefixes. goxmldsig, which makes our signatures, verifies too little for us (trust means equal to a stored
// certificate, RSA-SHA1 passes) and too much (it takes the envelope's declarations into an inclusive canonical form).
// So this package has a parser of its own that fills etree's tree, a canonicalizer of its own that is linear in the
// size of the document, and does the few steps of a verification itself (docs/adr/0015):
//
//	shape → signer's certificate and chain → signature → digest
//
// What costs most comes last, and is done for nobody but those who may sign: responses come from whatever address a
// tenant has configured.
//
// Everything outside of the verified element must be ignored by callers: they read Verified.Element, which holds what
// was digested and nothing else.
package xmlsig

// Namespace is the namespace of XML-DSig's elements.
const Namespace = "http://www.w3.org/2000/09/xmldsig#"

// Names with a fixed meaning in every XML document.
const (
	xmlPrefix      = "xml"
	xmlNamespace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsPrefix    = "xmlns"
	xmlnsNamespace = "http://www.w3.org/2000/xmlns/"
)
