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
	"time"
)

// Open loads the CAs that a directory keeps, or makes them there when it is empty. What clients trust survives that
// way; the signer of responses is new each time. Files are readable by their owner only.
func Open(directory string, now time.Time) (*Authorities, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	authorities := &Authorities{}
	missing, err := authorities.load(directory)
	if err != nil {
		return nil, err
	}
	switch {
	case len(missing) == 0:
		return authorities, authorities.complete(now)
	case len(missing) < keptCount():
		return nil, fmt.Errorf("the data directory %s lacks %v: restore the files, or empty the directory for new CAs",
			directory, missing)
	}
	if err := authorities.complete(now); err != nil {
		return nil, err
	}
	return authorities, authorities.save(directory)
}

func keptCount() int {
	count := 0
	for _, plan := range blueprints {
		if plan.kept {
			count++
		}
	}
	return count
}

// load reads what is there, and names the files that are not.
func (a *Authorities) load(directory string) ([]string, error) {
	var missing []string
	for _, plan := range blueprints {
		if !plan.kept {
			continue
		}
		path := filepath.Join(directory, plan.file())
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, plan.file())
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a CA: %w", err)
		}
		pair, err := decodePair(content)
		if err != nil {
			return nil, fmt.Errorf("reading the CA in %s: %w", path, err)
		}
		*plan.pair(a) = pair
	}
	return missing, nil
}

func (a *Authorities) save(directory string) error {
	for _, plan := range blueprints {
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
