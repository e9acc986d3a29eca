// Package protocol is the certificate service's protocol as values: the messages, the rules of their fields, the SOAP
// envelope around them, the error codes and what they mean. It knows no network, no signatures and no Kubernetes.
//
// Sources: the interface description of the service (docs/protocol.md, Sources, says what that is) and
// docs/protocol.md itself, named where a rule comes from.
package protocol
