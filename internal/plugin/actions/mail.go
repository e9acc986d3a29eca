package actions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// TrackedCertificates is how kubectl names the resource.
const TrackedCertificates = "trackedcertificates." + v1alpha1.GroupName

// RefuseNotice is an error where nobody has to be told of a change now.
func RefuseNotice(tracked *v1alpha1.TrackedCertificate) error {
	switch {
	case tracked.Spec.ChangeNotice == nil:
		return fmt.Errorf("TrackedCertificate %s has no spec.changeNotice: nobody has to be told of changes", tracked.Name)
	case tracked.Status.Notice == nil:
		return fmt.Errorf("no notice of TrackedCertificate %s is due", tracked.Name)
	case tracked.Status.ObservedGeneration != tracked.Generation:
		return errors.New("the controller has not looked at the TrackedCertificate since it was changed: try again in a " +
			"moment")
	default:
		return nil
	}
}

// Acknowledge says that whom a notice is for knows of the certificate as it is.
func Acknowledge(ctx context.Context, access client.Client, tracked *v1alpha1.TrackedCertificate) error {
	before := tracked.DeepCopy()
	tracked.Spec.AcknowledgedDigest = tracked.Status.Notice.Digest
	err := access.Patch(ctx, tracked, optimistic(before))
	return ExplainConflict(err, TrackedCertificates, "TrackedCertificate", tracked)
}

// Mail is a notice as a message (RFC 5322): what is in a header stays in its line, because the API server takes no
// address and no subject with a line break in it, or the subject is encoded (RFC 2047).
func Mail(tracked *v1alpha1.TrackedCertificate) []byte {
	told, text := tracked.Status.Notice, &bytes.Buffer{}
	fmt.Fprintf(text, "To: %s\n", Visible(told.To))
	fmt.Fprintf(text, "Subject: %s\n", mime.QEncoding.Encode("utf-8", Visible(told.Subject)))
	text.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n")
	text.WriteString(NoticeText(tracked))
	return text.Bytes()
}

// NoticeText is what a notice says.
func NoticeText(tracked *v1alpha1.TrackedCertificate) string {
	status := &tracked.Status
	return fmt.Sprintf("The certificate has changed. The new one, which may be made public:\n\n"+
		"subject:       %s\nissuer:        %s\nserial number: %s\nvalid:         from %s until %s\n\n%s",
		Visible(status.Subject), Visible(status.Issuer), status.SerialNumber, At(status.NotBefore), At(status.NotAfter),
		status.Notice.Certificate)
}
