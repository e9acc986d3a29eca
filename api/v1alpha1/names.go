package v1alpha1

// Annotations and labels.
const (
	// AnnotationTransferSecret on a Certificate (cert-manager copies it to the CertificateRequest) names the Secret
	// with the transfer credentials, before the issuer's spec.transferSecretRef.
	AnnotationTransferSecret = "varmenne.dev/transfer-secret"
	// AnnotationRequestName on a VeroOrder is the CertificateRequest that it was made for.
	AnnotationRequestName = "varmenne.dev/certificate-request"
	// AnnotationGivenUp on a VeroOrder that takes the place of one that somebody has deleted is the RetrievalId of that
	// one.
	AnnotationGivenUp = "varmenne.dev/given-up-retrieval-id"
	// AnnotationAdoptRetrievalID on a VeroOrder is a RetrievalId that the order is to ask for its certificate with: a
	// person sets it who knows one that the order has lost, and the controller on an order that it makes again. It is
	// tried like one from a response that could not be verified, and removed once status.retrievalID holds it.
	AnnotationAdoptRetrievalID = "varmenne.dev/adopt-retrieval-id"
	// AnnotationRetrievalID on a CertificateRequest is the RetrievalId of its VeroOrder, from which the order is made
	// again should somebody delete it. The condition varmenne.dev/Submitted shows the same to people.
	AnnotationRetrievalID = "varmenne.dev/retrieval-id"
	// AnnotationPaidWith on a CertificateRequest is what its varmenne.dev/retrieval-id was paid for with: the beginning of
	// the digest of the TransferId, as in the label varmenne.dev/transfer-id. Absent for a renewal, which can be sent
	// again.
	AnnotationPaidWith = "varmenne.dev/retrieval-id-paid-with"
	// AnnotationRotate on a MessagesPassword demands a rotation now, whatever spec.window says: any value that it did not
	// have when the last rotation began. status.lastHandledDemand shows for which value one was made.
	AnnotationRotate = "varmenne.dev/rotate"
	// AnnotationRotatedAt on the Secret of a MessagesPassword is when a rotation last put a password there. It changes
	// with each rotation and tells nothing of the password, so that whoever restarts consumers can go by it.
	AnnotationRotatedAt = "varmenne.dev/rotated-at"
	// AnnotationRotationOf on the Secret that holds both passwords during a rotation is the UID of its MessagesPassword.
	AnnotationRotationOf = "varmenne.dev/rotation-of"
	// LabelPublicKey on a VeroOrder is the beginning of spec.publicKeyDigest (a label holds no whole digest).
	LabelPublicKey = "varmenne.dev/public-key"
	// LabelTransferID on a VeroOrder is the beginning of spec.transfer.transferIDDigest.
	LabelTransferID = "varmenne.dev/transfer-id"
	// LabelRenews on a VeroOrder is the beginning of spec.renewal.serialNumber.
	LabelRenews = "varmenne.dev/renews"
	// labelDigestLength is how many hexadecimal digits a label holds at most: 160 bits.
	labelDigestLength = 40
)

// Keys of the Secret with transfer credentials.
const (
	// KeyTransferID holds the TransferId, 1 to 32 characters.
	KeyTransferID = "transferId"
	// KeyTransferPassword holds the one-time TransferPassword, 1 to 16 characters.
	KeyTransferPassword = "transferPassword"
)

// Keys of the Secret whose password a MessagesPassword rotates.
const (
	// KeyUsername holds the name of the system's user, which the owner of Suomi.fi Messages calls systemId.
	KeyUsername = "username"
	// KeyPassword holds the password.
	KeyPassword = "password"
	// KeyNewPassword holds the new password during a rotation, in the Secret beside it.
	KeyNewPassword = "newPassword"
)

// LabelValue is the beginning of a hexadecimal text, as much of it as a label holds.
func LabelValue(digits string) string {
	return digits[:min(len(digits), labelDigestLength)]
}
