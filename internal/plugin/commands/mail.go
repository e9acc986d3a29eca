package commands

import (
	"bytes"
	"fmt"
	"mime"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// mailOf is a notice as a message (RFC 5322): what is in a header stays in its line, because the API server takes no
// address and no subject with a line break in it, or the subject is encoded (RFC 2047).
func mailOf(tracked *v1alpha1.TrackedCertificate) []byte {
	told, status := tracked.Status.Notice, &tracked.Status
	text := &bytes.Buffer{}
	fmt.Fprintf(text, "To: %s\n", visible(told.To))
	fmt.Fprintf(text, "Subject: %s\n", mime.QEncoding.Encode("utf-8", visible(told.Subject)))
	text.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n")
	fmt.Fprintf(text, "The certificate has changed. The new one, which may be made public:\n\n"+
		"subject:       %s\nissuer:        %s\nserial number: %s\nvalid:         from %s until %s\n\n%s",
		visible(status.Subject), visible(status.Issuer), status.SerialNumber, at(status.NotBefore), at(status.NotAfter),
		told.Certificate)
	return text.Bytes()
}
