package facts

import "time"

// CredentialsPollInterval is how often a Secret that may not be watched is looked at while credentials are awaited.
const CredentialsPollInterval = 20 * time.Second

// Transfer is what a decision needs to know of transfer credentials.
type Transfer struct {
	// Problem says why there are none to use and what to do; empty if there are.
	Problem string
	// SecretName is where they are.
	SecretName string
	// IDDigest is the digest of the TransferId, Fingerprint that of the password. Both are empty if nobody has looked.
	IDDigest, Fingerprint string
	// Named reports whether the Certificate itself names the Secret. Others, such as the issuer's default, pay for
	// nothing before the current certificate can be renewed.
	Named bool
	// Written is when somebody last changed them in the Secret.
	Written time.Time
}
