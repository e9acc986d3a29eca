package vero

import (
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// CheckResponse checks that a payload is the response to an operation: an answer to RenewCertificate is not an
// answer to SignNewCertificate, even though both have the same content. The error is an *AnswerError.
func CheckResponse(payload *etree.Element, operation Operation) error {
	if !is(payload, Namespace, operation.response()) {
		return answerErrorf("it is %s, not %s", nameOf(payload), operation.response())
	}
	return nil
}

// ReadSubmission is the RetrievalId of a verified response to SignNewCertificate or RenewCertificate (seed 004,
// 3.2, 3.4). Status FAIL comes as *ServiceError, a response that is neither as *AnswerError.
func ReadSubmission(response *etree.Element, operation Operation) (string, error) {
	if err := readResult(response, operation); err != nil {
		return "", err
	}
	id, err := value(response, "RetrievalId")
	if err != nil {
		return "", err
	}
	if err := CheckRetrievalID(id); err != nil {
		return "", answerErrorf("it is OK, but its %v", err)
	}
	return id, nil
}

// ReadCertificate is the customer's certificate in a verified response to GetCertificate (seed 004, 3.6), decoded
// from base64 once: DER, or PEM where the service wrapped that. Errors as with ReadSubmission.
func ReadCertificate(response *etree.Element) ([]byte, error) {
	if err := readResult(response, GetCertificate); err != nil {
		return nil, err
	}
	text, err := value(response, "Certificate")
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, answerErrorf("it is OK, but holds no Certificate")
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, answerErrorf("its Certificate is not base64")
	}
	return decoded, nil
}

// PeekRetrievalID is the RetrievalId of a response whose signature did not verify, empty if it has none that could
// be one. It is a hint to be tried, never a fact.
func PeekRetrievalID(response *etree.Element) string {
	id, err := value(response, "RetrievalId")
	if err != nil || CheckRetrievalID(id) != nil {
		return ""
	}
	return id
}

// readResult is nil for Status OK (seed 004, 3.7).
func readResult(response *etree.Element, operation Operation) error {
	if err := CheckResponse(response, operation); err != nil {
		return err
	}
	result, err := only(response, "Result")
	if err != nil {
		return err
	}
	if result == nil {
		return answerErrorf("it has no Result")
	}
	switch status, err := value(result, "Status"); {
	case err != nil:
		return err
	case status == "OK":
		return nil
	case status == "FAIL":
		return readFailure(result)
	default:
		return answerErrorf("its Status is %q, neither OK nor FAIL", printable(status))
	}
}

// readFailure is the first failure with a code of the table, else the first one. A FAIL that gives no code at all
// is a technical error: the schema allows it, and nothing was accepted.
func readFailure(result *etree.Element) error {
	var first *ServiceError
	for _, child := range result.ChildElements() {
		if child.Tag != "ErrorInfo" {
			continue
		}
		failure := &ServiceError{
			Code: Code(clip(childText(child, "ErrorCode"), maxErrorCode)),
			Text: childText(child, "ErrorMessage"),
		}
		if _, known := failure.Meaning(); known {
			return failure
		}
		if first == nil {
			first = failure
		}
	}
	if first == nil {
		return TechnicalError()
	}
	return first
}

// value is the text of the only direct child of that name, trimmed; empty if there is none.
func value(parent *etree.Element, name string) (string, error) {
	child, err := only(parent, name)
	if child == nil || err != nil {
		return "", err
	}
	if len(child.ChildElements()) > 0 {
		return "", answerErrorf("its %s holds elements instead of text", name)
	}
	var text strings.Builder
	for _, token := range child.Child {
		if data, ok := token.(*etree.CharData); ok {
			text.WriteString(data.Data)
		}
	}
	return strings.TrimSpace(text.String()), nil
}

// only is the direct child of that name, nil if there is none, an error if there are several: what a second one
// says would depend on who reads it. The schema leaves children unqualified; some stacks qualify them.
func only(parent *etree.Element, name string) (*etree.Element, error) {
	var found *etree.Element
	for _, child := range parent.ChildElements() {
		if child.Tag != name || (child.NamespaceURI() != "" && child.NamespaceURI() != Namespace) {
			continue
		}
		if found != nil {
			return nil, answerErrorf("it holds more than one %s", name)
		}
		found = child
	}
	return found, nil
}

func clip(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length])
	}
	return text
}
