package misbehaviour

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// safe holds the transfer passwords, which nobody may tell.
type safe struct {
	mutex     sync.Mutex
	passwords []string
}

func (s *safe) keepSecret(password string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.passwords = append(s.passwords, password, base64.StdEncoding.EncodeToString([]byte(password)))
}

// checkSecrecy looks for the passwords in all logs and in all objects but Secrets. The stories of package stories look
// for private keys, too, and in every form.
func checkSecrecy(ctx context.Context, s *stage) error {
	logs, err := filepath.Glob(filepath.Join(s.Cluster.LogDir(), "*"))
	if err != nil || len(logs) == 0 {
		return errors.Join(err, errors.New("there are no logs"))
	}
	told := map[string]string{}
	for _, path := range logs {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		told[path] = string(content)
	}
	for _, list := range []client.ObjectList{
		&corev1.EventList{}, &cmapi.CertificateRequestList{}, &v1alpha1.VeroOrderList{}, &v1alpha1.VeroIssuerList{},
	} {
		if err := s.Client.List(ctx, list); err != nil {
			return err
		}
		content, err := json.Marshal(list)
		if err != nil {
			return err
		}
		told[fmt.Sprintf("%T", list)] = string(content)
	}
	for where, text := range told {
		for _, password := range s.passwords {
			if strings.Contains(text, password) {
				return fmt.Errorf("%s gives away a transfer password", where)
			}
		}
	}
	return nil
}
