package request

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/xmltree"
)

// unbounded is the maxOccurs of an element that may repeat.
const unbounded = -1

// declaration is an element declaration of the schema: CertificateServices.xsd and xmldsig-core-schema.xsd as data,
// as far as requests need them. A test compares its verdicts with xmllint's.
type declaration struct {
	namespace string
	local     string
	minimum   int
	maximum   int
	// value checks simple content; nil means that the element has child elements.
	value func(string) string
	// children is the sequence of child elements, anything the kinds of content that the schema leaves open.
	children []declaration
	anything openContent
	// attributes lists what is allowed; those of required must be there.
	attributes []string
	required   []string
}

// openContent is content that the schema leaves open (xs:any).
type openContent int

const (
	// anyElements is at least one element, and no text; the zero value stands for the content of children.
	anyElements openContent = iota + 1
	// anyMixed is whatever there is, even nothing.
	anyMixed
)

func field(local string, minimum int, value func(string) string) declaration {
	return declaration{local: local, minimum: minimum, maximum: 1, value: value}
}

// Fields of the requests (interface description 3.1, 3.3, 3.5).
var (
	environmentField     = field("Environment", 1, environmentValue)
	customerIDField      = field("CustomerId", 1, stringValue(30))
	customerNameField    = field("CustomerName", 0, stringValue(100))
	transferIDField      = field("TransferId", 1, stringValue(32))
	passwordField        = field("TransferPassword", 1, stringValue(16))
	certificateRequest   = field("CertificateRequest", 1, base64Value)
	retrievalIDField     = field("RetrievalId", 1, stringValue(32))
	signatureDeclaration = signature("Signature", nil, "Id").sequence(
		signature("SignedInfo", nil, "Id").sequence(
			algorithm("CanonicalizationMethod"),
			algorithm("SignatureMethod"),
			signature("Reference", nil, "URI", "Id", "Type").repeated(1).sequence(
				signature("Transforms", nil).optional().sequence(algorithm("Transform").repeated(1)),
				algorithm("DigestMethod"),
				signature("DigestValue", anyBase64Value),
			),
		),
		signature("SignatureValue", anyBase64Value, "Id"),
		signature("KeyInfo", nil, "Id").optional().opened(anyElements),
	)
)

// messages are the payloads of the requests.
var messages = map[protocol.Operation]declaration{
	protocol.SignNewCertificate: message(protocol.SignNewCertificate,
		environmentField, customerIDField, customerNameField, transferIDField, passwordField, certificateRequest),
	protocol.RenewCertificate: message(protocol.RenewCertificate,
		environmentField, customerIDField, customerNameField, certificateRequest, signatureDeclaration),
	protocol.GetCertificate: message(protocol.GetCertificate,
		environmentField, customerIDField, customerNameField, retrievalIDField),
}

func message(operation protocol.Operation, children ...declaration) declaration {
	root := declaration{namespace: protocol.Namespace, local: operation.RequestElement(), minimum: 1, maximum: 1}
	return root.sequence(children...)
}

func signature(local string, value func(string) string, attributes ...string) declaration {
	return declaration{
		namespace: protocol.SignatureNamespace, local: local, minimum: 1, maximum: 1,
		value: value, attributes: attributes,
	}
}

func algorithm(local string) declaration {
	declared := signature(local, nil, "Algorithm").opened(anyMixed)
	declared.required = []string{"Algorithm"}
	return declared
}

func (d declaration) sequence(children ...declaration) declaration {
	d.children = children
	return d
}

func (d declaration) optional() declaration {
	d.minimum = 0
	return d
}

func (d declaration) repeated(minimum int) declaration {
	d.minimum, d.maximum = minimum, unbounded
	return d
}

func (d declaration) opened(content openContent) declaration {
	d.anything = content
	return d
}

// check compares an element, whose name fits, with its declaration.
func (d declaration) check(element *xmltree.Element) *Fault {
	if fault := d.checkAttributes(element); fault != nil {
		return fault
	}
	if d.anything == anyMixed {
		return nil
	}
	if d.value != nil {
		return d.checkValue(element)
	}
	if hasText(element) {
		return clientFault("the element %s holds text between its elements", d.local)
	}
	if len(element.Elements()) == 0 {
		return clientFault("the element %s is empty", d.local)
	}
	if d.anything == anyElements {
		return nil
	}
	return d.checkChildren(element)
}

func (d declaration) checkAttributes(element *xmltree.Element) *Fault {
	for _, attribute := range element.Attributes {
		uri, _ := element.Resolve(attribute.Prefix)
		location := attribute.Local == "schemaLocation" || attribute.Local == "noNamespaceSchemaLocation"
		allowed := attribute.Prefix == "" && slices.Contains(d.attributes, attribute.Local) ||
			attribute.Prefix != "" && uri == protocol.InstanceNamespace && location
		if !allowed {
			return clientFault("the element %s has the attribute %s, which the schema does not know", d.local, attribute.Local)
		}
	}
	for _, name := range d.required {
		if _, given := element.Attribute(name); !given {
			return clientFault("the element %s lacks the attribute %s", d.local, name)
		}
	}
	return nil
}

func (d declaration) checkValue(element *xmltree.Element) *Fault {
	if len(element.Elements()) > 0 {
		return clientFault("the element %s holds an element instead of a value", d.local)
	}
	if element.Text() == "" {
		return clientFault("the element %s is empty", d.local)
	}
	if complaint := d.value(element.Text()); complaint != "" {
		return clientFault("the element %s %s", d.local, complaint)
	}
	return nil
}

func (d declaration) checkChildren(element *xmltree.Element) *Fault {
	rest := element.Elements()
	for _, child := range d.children {
		count := 0
		for len(rest) > 0 && rest[0].Is(child.namespace, child.local) && count != child.maximum {
			if fault := child.check(rest[0]); fault != nil {
				return fault
			}
			rest = rest[1:]
			count++
		}
		if count < child.minimum {
			return clientFault("the element %s lacks %s at its place", d.local, child.local)
		}
	}
	if len(rest) > 0 {
		return clientFault("the element %s does not expect %s (namespace %q) at its place",
			d.local, rest[0].Local, rest[0].Namespace())
	}
	return nil
}

func environmentValue(value string) string {
	if value != protocol.EnvironmentTest && value != protocol.EnvironmentProduction {
		return "is neither TEST nor PRODUCTION"
	}
	return ""
}

// stringValue is a normalizedString of 1 to maximum characters.
func stringValue(maximum int) func(string) string {
	return func(value string) string {
		if utf8.RuneCountInString(value) > maximum {
			return "is longer than the schema allows"
		}
		return ""
	}
}

// base64Value is base64Binary of at least one octet.
func base64Value(value string) string {
	if decoded, err := decodeBase64(value); err != nil || len(decoded) == 0 {
		return "is not base64"
	}
	return ""
}

func anyBase64Value(value string) string {
	if _, err := decodeBase64(value); err != nil {
		return "is not base64"
	}
	return ""
}

// decodeBase64 ignores white space, as base64Binary does.
func decodeBase64(value string) ([]byte, error) {
	return base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(value), ""))
}

// normalized is the value of a normalizedString: white space characters become spaces.
func normalized(value string) string {
	return strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(value)
}
