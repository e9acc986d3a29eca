package world

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Service is a running simulator.
type Service struct {
	*admin.Client

	// URL is where the service answers.
	URL string
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
	found, err := awaitInfo(ctx, p, info)
	if err != nil {
		return nil, err
	}
	return &Service{Client: admin.NewClient(found.AdminURL), URL: found.ServiceURL, Process: p}, nil
}

func awaitInfo(ctx context.Context, p *process.Process, path string) (admin.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var info admin.Info
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		if err := p.ExitError(); err != nil {
			return false, err
		}
		var err error
		info, err = admin.ReadInfo(path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return admin.Info{}, fmt.Errorf("the simulator did not get ready: %w; see %s", err, p.LogFile())
	}
	return info, nil
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
