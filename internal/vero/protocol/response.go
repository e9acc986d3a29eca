package protocol

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/beevik/etree"
)

// CheckResponse checks that a payload is the response to an operation: a response to RenewCertificate is not a
// response to SignNewCertificate, even though both have the same content. The error is an *ResponseError.
func CheckResponse(payload *etree.Element, operation Operation) error {
	if !is(payload, Namespace, operation.response()) {
		return responseErrorf("it is %s, not %s", nameOf(payload, operation.response()), operation.response())
	}
	return nil
}

// ReadSubmission is the RetrievalId of a verified response to SignNewCertificate or RenewCertificate (interface
// description 3.2, 3.4). Status FAIL comes as *ServiceError, a response that is neither as *ResponseError.
func ReadSubmission(response *etree.Element, operation Operation) (string, error) {
	if err := readResult(response, operation); err != nil {
		return "", err
	}
	id, err := value(response, "RetrievalId", ours)
	if err != nil {
		return "", err
	}
	if field, broken := errors.AsType[*FieldError](CheckRetrievalID(id)); broken {
		return "", responseErrorf("it is OK, but its RetrievalId %s", field.Problem)
	}
	return id, nil
}

// ReadCertificate is the customer's certificate in a verified response to GetCertificate (interface description 3.6),
// decoded from base64 once: DER, or PEM where the service wrapped that. Errors as with ReadSubmission.
func ReadCertificate(response *etree.Element) ([]byte, error) {
	if err := readResult(response, GetCertificate); err != nil {
		return nil, err
	}
	text, err := value(response, "Certificate", ours)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, responseErrorf("it is OK, but holds no Certificate")
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, responseErrorf("its Certificate is not base64")
	}
	return decoded, nil
}

// PeekRetrievalID is the RetrievalId of a response whose signature did not verify, empty if it has none that could
// be one. It is a hint to be tried, never a fact.
//
// It takes the field in any namespace: a response that was put into its envelope as text has unqualified fields, and
// seems to inherit the default namespace of an envelope that has one.
func PeekRetrievalID(response *etree.Element) string {
	id, err := value(response, "RetrievalId", func(*etree.Element) bool { return true })
	if err != nil || CheckRetrievalID(id) != nil {
		return ""
	}
	return id
}

// readResult is nil for Status OK (interface description 3.7).
func readResult(response *etree.Element, operation Operation) error {
	if err := CheckResponse(response, operation); err != nil {
		return err
	}
	result, err := only(response, "Result", ours)
	if err != nil {
		return err
	}
	if result == nil {
		return responseErrorf("it has no Result")
	}
	switch status, err := value(result, "Status", ours); {
	case err != nil:
		return err
	case status == "OK":
		return nil
	case status == "FAIL":
		return readFailure(result)
	default:
		return responseErrorf("its Status is %q, neither OK nor FAIL", printable(status))
	}
}

// readFailure is the failure that says most of those that a FAIL lists: the first with a code of the table that is
// not the general one, else the first with any code of the table, else the first. A FAIL that gives no code at all is
// a technical error: nothing was accepted, and nobody says why.
func readFailure(result *etree.Element) error {
	var chosen *ServiceError
	for _, child := range result.ChildElements() {
		if child.Tag != "ErrorInfo" || !ours(child) {
			continue
		}
		failure := readErrorInfo(child)
		if chosen == nil || failure.rank() > chosen.rank() {
			chosen = failure
		}
	}
	if chosen == nil {
		return &ServiceError{Code: CodeTechnical}
	}
	return chosen
}

func readErrorInfo(info *etree.Element) *ServiceError {
	failure := &ServiceError{
		Code: Code(clip(childText(info, "ErrorCode"), maxErrorCode)), Text: childText(info, "ErrorMessage"),
	}
	if failure.Code == "" {
		failure.Code = CodeTechnical
	}
	return failure
}

// value is the text of the only direct child of that name, trimmed; empty if there is none.
func value(parent *etree.Element, name string, accept func(*etree.Element) bool) (string, error) {
	child, err := only(parent, name, accept)
	if child == nil || err != nil {
		return "", err
	}
	if len(child.ChildElements()) > 0 {
		return "", responseErrorf("its %s holds elements instead of text", name)
	}
	return textOf(child), nil
}

// only is the direct child of that name that is accepted, nil if there is none, an error if there are several: what a
// second one says would depend on who reads it.
func only(parent *etree.Element, name string, accept func(*etree.Element) bool) (*etree.Element, error) {
	var found *etree.Element
	for _, child := range parent.ChildElements() {
		if child.Tag != name || !accept(child) {
			continue
		}
		if found != nil {
			return nil, responseErrorf("it holds more than one %s", name)
		}
		found = child
	}
	return found, nil
}

// ours reports whether an element can be a field: the schema leaves fields unqualified, some stacks qualify them.
func ours(field *etree.Element) bool {
	namespace := field.NamespaceURI()
	return namespace == "" || namespace == Namespace
}
