package world

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Service is a running simulator.
type Service struct {
	*admin.Client

	// URL is where the service answers, MessagesURL where Suomi.fi Messages does.
	URL, MessagesURL string
	// Process runs it.
	Process *process.Process
}

// StartService starts a simulator of its own, so that what one story scripts does not hit another one.
func (w *World) StartService(ctx context.Context, arguments ...string) (*Service, error) {
	w.mutex.Lock()
	w.started++
	title := fmt.Sprintf("simulator-%d", w.started)
	w.mutex.Unlock()
	info := filepath.Join(w.Cluster.Dir(), title+".json")
	p, err := w.Cluster.StartProcess(process.Options{
		Name: title, Path: w.options.Binary,
		Args: append([]string{"simulator", "--address=127.0.0.1:0", "--admin-address=127.0.0.1:0", "--info-file=" + info},
			arguments...),
	})
	if err != nil {
		return nil, err
	}
	var found admin.Info
	if err := p.Await(ctx, readyTimeout, 50*time.Millisecond, func(context.Context) (err error) {
		found, err = admin.ReadInfo(info)
		return err
	}); err != nil {
		return nil, err
	}
	return &Service{
		Client: admin.NewClient(found.AdminURL), URL: found.ServiceURL, MessagesURL: found.MessagesURL, Process: p,
	}, nil
}

// Bundles returns the trust anchors of the service by the keys that the sample issuer names.
func (s *Service) Bundles(ctx context.Context) (map[string]string, error) {
	bundles := map[string]string{}
	for key, read := range map[string]func(context.Context) ([]byte, error){
		"tls.pem": s.TLSBundle, "responses.pem": s.ResponsesBundle, "issuance.pem": s.IssuanceBundle,
	} {
		bundle, err := read(ctx)
		if err != nil {
			return nil, err
		}
		bundles[key] = string(bundle)
	}
	return bundles, nil
}

// Accepted returns the SignNewCertificate that the service has accepted: what has cost credentials.
func (s *Service) Accepted(ctx context.Context) ([]admin.Request, error) {
	requests, err := s.Requests(ctx, "SignNewCertificate", "")
	return slices.DeleteFunc(requests, func(request admin.Request) bool { return !request.Accepted }), err
}
