package simulator

import (
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	"github.com/varmenne/varmenne-issuer/internal/simulator/script"
)

// termsOf are the terms that a fault comes with.
func termsOf(fault admin.Fault) script.Terms {
	return script.Terms{
		Count: fault.Count, ForDuration: time.Duration(fault.ForDuration), Probability: fault.Probability,
	}
}

// scripted is a fault as the admin interface shows it.
func scripted(fault admin.Fault, terms script.Terms) admin.Fault {
	fault.ID, fault.Count, fault.ExpiresAt, fault.Hits = terms.ID, terms.Count, terms.ExpiresAt, terms.Hits
	return fault
}

// fits reports whether a fault can strike calls of an operation.
func fits(operation protocol.Operation) func(admin.Fault) bool {
	return func(fault admin.Fault) bool {
		if fault.Kind == admin.WrongCertificate && operation != protocol.GetCertificate {
			return false
		}
		return fault.Operation == "" || fault.Operation == string(operation)
	}
}
