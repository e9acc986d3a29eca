package tenant

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// lookTimeout bounds the drawing of a picture: what is drawn may be what does not answer.
const lookTimeout = 15 * time.Second

// Picture is everything that a reader wants to see of a test that came to nothing.
func (n *Tenant) Picture() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.Context()), lookTimeout)
	defer cancel()
	text := &strings.Builder{}
	fmt.Fprintf(text, "namespace %s\n", n.Namespace)
	for _, list := range []client.ObjectList{
		&cmapi.CertificateList{}, &cmapi.CertificateRequestList{}, &v1alpha1.VeroIssuerList{}, &v1alpha1.VeroOrderList{},
		&v1alpha1.ManualIssuerList{}, &v1alpha1.ManualOrderList{},
	} {
		if err := n.Client.List(ctx, list, client.InNamespace(n.Namespace)); err != nil {
			fmt.Fprintln(text, err)
		}
		_ = meta.EachListItem(list, func(object runtime.Object) error {
			draw(text, object)
			return nil
		})
	}
	events := &corev1.EventList{}
	if err := n.Client.List(ctx, events, client.InNamespace(n.Namespace)); err != nil {
		fmt.Fprintln(text, err)
	}
	for i := range events.Items {
		event := &events.Items[i]
		fmt.Fprintf(text, "event %s %s/%s: %s %s\n", event.Type, event.InvolvedObject.Kind, event.InvolvedObject.Name,
			event.Reason, event.Message)
	}
	asked, err := n.Service.Requests(ctx, "", "")
	if err != nil {
		fmt.Fprintln(text, err)
	}
	for i := range asked {
		fmt.Fprintf(text, "the service was asked: %+v\n", asked[i])
	}
	if n.Notes != nil {
		text.WriteString(n.Notes())
	}
	return text.String()
}

// draw writes an object without what the API server keeps for itself.
func draw(text io.Writer, object runtime.Object) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	content, err := yaml.Marshal(object)
	if err != nil {
		content = []byte(err.Error())
	}
	fmt.Fprintf(text, "--- %T\n%s", object, content)
}
