package authority

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Open loads the CAs that a directory keeps, or makes them there when it is empty; DVV's are made when they are first
// asked for. What clients trust survives that way; the signer of responses is new each time. Files are readable by
// their owner only.
func Open(directory string, now time.Time) (*Authorities, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	authorities := &Authorities{}
	found, err := authorities.load(blueprints, directory)
	if err != nil {
		return nil, err
	}
	if err := authorities.provide(blueprints, now, directory, found); err != nil {
		return nil, err
	}
	foundDVV, err := authorities.load(dvvBlueprints, directory)
	if err != nil {
		return nil, err
	}
	authorities.prepareDVV = sync.OnceValue(func() error {
		return authorities.provide(dvvBlueprints, now, directory, foundDVV)
	})
	return authorities, nil
}

// provide makes what is missing of the planned pairs, and keeps them unless they were found.
func (a *Authorities) provide(plans []blueprint, now time.Time, directory string, found bool) error {
	if err := a.complete(plans, now); err != nil || found {
		return err
	}
	return a.save(plans, directory)
}

// load reads the planned pairs, and reports whether they are there: all, or none.
func (a *Authorities) load(plans []blueprint, directory string) (bool, error) {
	var missing []string
	kept := 0
	for _, plan := range plans {
		if !plan.kept {
			continue
		}
		kept++
		path := filepath.Join(directory, plan.file())
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, plan.file())
			continue
		}
		if err != nil {
			return false, fmt.Errorf("reading a CA: %w", err)
		}
		pair, err := decodePair(content)
		if err != nil {
			return false, fmt.Errorf("reading the CA in %s: %w", path, err)
		}
		*plan.pair(a) = pair
	}
	if len(missing) > 0 && len(missing) < kept {
		return false, fmt.Errorf("the data directory %s lacks %v: restore the files, or empty the directory for new CAs",
			directory, missing)
	}
	return len(missing) == 0, nil
}

func (a *Authorities) save(plans []blueprint, directory string) error {
	for _, plan := range plans {
		if !plan.kept {
			continue
		}
		content, err := encodePair(*plan.pair(a))
		if err != nil {
			return fmt.Errorf("encoding the CA %s: %w", plan.name, err)
		}
		path := filepath.Join(directory, plan.file())
		if err := os.WriteFile(path+".new", content, 0o600); err != nil {
			return fmt.Errorf("keeping the CA %s: %w", plan.name, err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return fmt.Errorf("keeping the CA %s: %w", plan.name, err)
		}
	}
	return nil
}

func (p blueprint) file() string { return p.name + ".pem" }

// encodePair writes the certificate and its key, PKCS#8, one after the other.
func encodePair(pair Pair) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(pair.Key)
	if err != nil {
		return nil, err
	}
	return append(encode(pair.Certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), nil
}

func decodePair(content []byte) (Pair, error) {
	certificateBlock, rest := pem.Decode(content)
	if certificateBlock == nil || certificateBlock.Type != "CERTIFICATE" {
		return Pair{}, errors.New("the file does not start with a PEM certificate")
	}
	keyBlock, _ := pem.Decode(rest)
	if keyBlock == nil || keyBlock.Type != "PRIVATE KEY" {
		return Pair{}, errors.New("no PEM private key (PKCS#8) follows the certificate")
	}
	certificate, err := x509.ParseCertificate(certificateBlock.Bytes)
	if err != nil {
		return Pair{}, err
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return Pair{}, errors.New("the private key is not PKCS#8")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Pair{}, errors.New("the private key cannot sign")
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certificate.PublicKey) {
		return Pair{}, errors.New("the private key does not belong to the certificate")
	}
	return Pair{Certificate: certificate, Key: signer}, nil
}
