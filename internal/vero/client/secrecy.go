package client

import (
	"errors"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/sensitive"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// withoutSecret is an error of a submission that shows nothing of the password. What stands where a RetrievalId should,
// and holds the password, is none.
func (a *received) withoutSecret(err error, password protocol.Password) error {
	if a.repeats(password) {
		err = withoutWords(err)
	}
	unverified, isUnverified := errors.AsType[*protocol.UnverifiedError](err)
	if !isUnverified || !strings.Contains(unverified.RetrievalID, password.Reveal()) {
		return err
	}
	return unverified.WithoutRetrievalID()
}

// repeats reports whether the response repeats the password anywhere, or cannot be searched for it. Then none of its
// words may be shown: they may have been shortened in the middle of the password, or quoted.
func (a *received) repeats(password protocol.Password) bool {
	search := sensitive.NewSearch(password.Reveal())
	return search.Behind(a.contentType) || search.Behind(string(a.body))
}
