package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// TestNoSecretInMessages: what a decision says can name Secrets, and show nothing that is in them.
func TestNoSecretInMessages(t *testing.T) {
	orders := []*v1alpha1.VeroOrder{
		signNew(), signNew(sent(now.Add(-time.Minute), errNoResponse)), signNew(sent(now, pki020)), renewal(),
		signNew(forAnotherKey), signNew(forAnotherKey, sent(now, nil)),
	}
	for _, order := range orders {
		for _, change := range []change{credentials, newCredentials, newPassword, noCredentials, issuerMissing} {
			gathered := forOrder(order, requested(credentials, with(order), change))
			messages := []string{plan.Decide(requested(with(order), change)).Message, orderstate.Decide(gathered).Message}
			if gathered.Transfer != nil {
				gathered.Transfer.Elsewhere = "new-transfer"
				messages = append(messages, orderstate.Decide(gathered).Message)
			}
			gathered.Wanted = false
			for _, message := range append(messages, orderstate.Decide(gathered).Message) {
				for _, secret := range []string{ordertest.TransferID, "digest-of-another", ordertest.Password, "bbbb"} {
					if strings.Contains(message, secret) {
						t.Errorf("%q is in the message: %s", secret, message)
					}
				}
			}
		}
	}
}
