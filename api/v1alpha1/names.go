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

// LabelValue is the beginning of a hexadecimal text, as much of it as a label holds.
func LabelValue(digits string) string {
	return digits[:min(len(digits), labelDigestLength)]
}
