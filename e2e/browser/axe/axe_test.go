package axe

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// TestTheScriptIsTheReleasedOne, to the byte: a new release changes Version, this and the license texts together.
func TestTheScriptIsTheReleasedOne(t *testing.T) {
	const released = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
	digest := sha256.Sum256([]byte(script))
	if got := hex.EncodeToString(digest[:]); got != released {
		t.Errorf("axe.min.js has the SHA-256 %s, want %s", got, released)
	}
}
