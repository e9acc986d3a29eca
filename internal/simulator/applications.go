package simulator

import (
	"errors"
	"mime"
	"net/http"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/dvv"
)

// routeApplications adds what a person does at DVV, and what everybody may fetch from it.
func (s *Simulator) routeApplications(mux *http.ServeMux) {
	mux.HandleFunc("POST /dvv/applications", s.apply)
	mux.HandleFunc("GET /dvv/applications", func(writer http.ResponseWriter, _ *http.Request) {
		reply(writer, http.StatusOK, s.dvv.List())
	})
	mux.HandleFunc("GET /dvv/applications/{reference}/mail", s.showMail)
	mux.HandleFunc("GET /crl/{file}", s.showRevocationList)
}

func (s *Simulator) apply(writer http.ResponseWriter, incoming *http.Request) {
	var asked admin.Application
	if !read(writer, incoming, &asked) {
		return
	}
	// A certificate says where its CRL is: here, under the host that the applicant asked.
	taken, err := s.dvv.Apply(asked, "http://"+incoming.Host+"/crl/")
	if _, form := errors.AsType[dvv.FormError](err); form {
		refuseAdmin(writer, http.StatusBadRequest, err)
		return
	}
	if err != nil {
		refuseAdmin(writer, http.StatusInternalServerError, err)
		return
	}
	s.log.Info("Took an application for an interface certificate", "reference", taken.Reference,
		"organization", taken.Organization, "file", taken.File, "due", taken.DueAt, "certificate", taken.Serial)
	reply(writer, http.StatusCreated, taken)
}

// showMail gives the file as it was mailed, which curl -OJ saves under its name.
func (s *Simulator) showMail(writer http.ResponseWriter, incoming *http.Request) {
	mail, err := s.dvv.Mail(incoming.PathValue("reference"))
	if early, ok := errors.AsType[*admin.NotMailedError](err); ok {
		reply(writer, http.StatusConflict, admin.Failure{Error: err.Error(), DueAt: &early.DueAt})
		return
	}
	if err != nil {
		refuseAdmin(writer, http.StatusNotFound, err)
		return
	}
	writer.Header().Set("Content-Type", "application/octet-stream")
	writer.Header().Set("Content-Disposition",
		mime.FormatMediaType("attachment", map[string]string{"filename": mail.FileName}))
	_, _ = writer.Write(mail.Content)
}

func (s *Simulator) showRevocationList(writer http.ResponseWriter, incoming *http.Request) {
	list, err := s.dvv.RevocationList(incoming.PathValue("file"))
	if err != nil {
		refuseAdmin(writer, http.StatusInternalServerError, err)
		return
	}
	if list == nil {
		refuseAdmin(writer, http.StatusNotFound, errors.New("the CRLs are "+dvv.CRL+" and "+dvv.TestCRL))
		return
	}
	writer.Header().Set("Content-Type", "application/pkix-crl")
	_, _ = writer.Write(list)
}
