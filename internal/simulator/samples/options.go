// Package samples gives users of a simulator in their own cluster what the real services would have sent them, trust
// bundles, transfer credentials and a password of Suomi.fi Messages, and sample manifests that use them:
// `varmenne-issuer simulator --sample-dir`.
package samples

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Options of a rehearsal. The zero value is none.
type Options struct {
	// Directory holds the manifests (*.yaml): one VeroIssuer, what uses it, and at most one MessagesPassword. Empty means
	// no rehearsal.
	Directory string
	// Namespace is where everything is applied.
	Namespace string
	// Owner is the Deployment in Namespace that owns everything, so that it goes when the Deployment goes; may be empty.
	Owner string
	// Kubeconfig is a file; empty means the Pod's service account.
	Kubeconfig string
}

// AddFlags declares the flags.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Directory, "sample-dir", "",
		"`directory` of sample manifests to apply, with trust bundles and transfer credentials; empty applies none")
	flags.StringVar(&o.Namespace, "sample-namespace", "", "`namespace` of the samples")
	flags.StringVar(&o.Owner, "sample-owner", "", "`name` of the Deployment that owns the samples; empty for none")
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "",
		"kubeconfig `file` to apply the samples with; left out, the service account of the Pod")
}

// Wanted reports whether there is anything to apply.
func (o *Options) Wanted() bool { return o.Directory != "" }

// Validate says everything that is wrong with the options.
func (o *Options) Validate() error {
	if !o.Wanted() {
		if o.Namespace != "" || o.Owner != "" || o.Kubeconfig != "" {
			return errors.New("--sample-namespace, --sample-owner and --kubeconfig need --sample-dir")
		}
		return nil
	}
	if strings.TrimSpace(o.Namespace) == "" {
		return errors.New("--sample-dir needs --sample-namespace")
	}
	_, err := os.Stat(o.Directory)
	return err
}
