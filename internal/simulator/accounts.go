package simulator

import (
	"errors"
	"net/http"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/messages"
)

// routeAccounts adds what the owner of the Messages API does, what somebody else does who knows a password, and faults.
func (s *Simulator) routeAccounts(mux *http.ServeMux) {
	mux.HandleFunc("POST /messages/accounts", s.createAccount)
	mux.HandleFunc("GET /messages/accounts/{systemId}", func(writer http.ResponseWriter, incoming *http.Request) {
		ledger, err := s.messages.Ledger(incoming.PathValue("systemId"))
		showAccount(writer, ledger, err)
	})
	mux.HandleFunc("POST /messages/accounts/{systemId}/password", s.setPassword)
	mux.HandleFunc("POST /messages/accounts/{systemId}/verify", s.verifyPassword)
	mux.HandleFunc("POST /messages/faults", s.scriptMessages)
	mux.HandleFunc("GET /messages/faults", func(writer http.ResponseWriter, _ *http.Request) {
		reply(writer, http.StatusOK, s.messages.Faults())
	})
	mux.HandleFunc("DELETE /messages/faults", func(writer http.ResponseWriter, _ *http.Request) {
		s.messages.ClearFaults()
		writer.WriteHeader(http.StatusNoContent)
	})
}

func (s *Simulator) createAccount(writer http.ResponseWriter, incoming *http.Request) {
	var wanted admin.MessagesAccount
	if !read(writer, incoming, &wanted) {
		return
	}
	ledger, err := s.messages.Create(wanted)
	switch {
	case errors.Is(err, messages.ErrTaken):
		refuseAdmin(writer, http.StatusConflict, err)
	case err != nil:
		refuseAdmin(writer, http.StatusBadRequest, err)
	default:
		s.log.Info("Made an account of the Messages API", "systemId", wanted.SystemID)
		reply(writer, http.StatusCreated, ledger)
	}
}

// password reads the body of a call about the password of an account; false means that the call is answered.
func password(writer http.ResponseWriter, incoming *http.Request) (string, bool) {
	var given admin.MessagesPassword
	if !read(writer, incoming, &given) {
		return "", false
	}
	if given.Password == "" {
		refuseAdmin(writer, http.StatusBadRequest, errors.New("password is missing"))
		return "", false
	}
	return given.Password, true
}

func (s *Simulator) setPassword(writer http.ResponseWriter, incoming *http.Request) {
	given, ok := password(writer, incoming)
	if !ok {
		return
	}
	systemID := incoming.PathValue("systemId")
	if err := s.messages.SetPassword(systemID, given); err != nil {
		refuseAdmin(writer, http.StatusNotFound, err)
		return
	}
	s.log.Info("Somebody has changed a password of the Messages API", "systemId", systemID)
	writer.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) verifyPassword(writer http.ResponseWriter, incoming *http.Request) {
	if given, ok := password(writer, incoming); ok {
		verdict, err := s.messages.Verify(incoming.PathValue("systemId"), given)
		showAccount(writer, verdict, err)
	}
}

// showAccount answers with what was read of an account, or with 404.
func showAccount(writer http.ResponseWriter, read any, err error) {
	if err != nil {
		refuseAdmin(writer, http.StatusNotFound, err)
		return
	}
	reply(writer, http.StatusOK, read)
}

func (s *Simulator) scriptMessages(writer http.ResponseWriter, incoming *http.Request) {
	var wanted admin.MessagesFault
	if !read(writer, incoming, &wanted) {
		return
	}
	if err := wanted.Validate(); err != nil {
		refuseAdmin(writer, http.StatusBadRequest, err)
		return
	}
	made, err := s.messages.Script(wanted)
	if err != nil {
		refuseAdmin(writer, http.StatusConflict, err)
		return
	}
	s.log.Info("Scripted a fault of the Messages API", "id", made.ID, "kind", made.Kind, "systemId", made.SystemID)
	reply(writer, http.StatusCreated, made)
}
