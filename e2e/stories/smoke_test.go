package stories

import (
	"context"
	"testing"
	"time"
	"os"
	"fmt"

	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	w, err := world.Start(ctx, world.Options{Binary: os.Getenv("BINARY"), Log: os.Stderr, ControllerArgs: []string{"--log-level=debug"}})
	if err != nil { t.Fatal(err) }
	defer w.Stop()
	fmt.Println(w.Cluster.Dir())
	must := func(err error) { t.Helper(); if err != nil { t.Fatal(err) } }
	must(w.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "tax-reporting"}}))
	cred, err := w.Service.Mint(ctx, admin.MintRequest{CustomerID: "0123456-7", CustomerName: "Esimerkki Oy"})
	must(err)
	must(w.Client.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "tax-reporting", Name: "vero-transfer"}, StringData: map[string]string{"transferId": cred.TransferID, "transferPassword": cred.TransferPassword}}))
	b, err := w.Service.Bundles(ctx)
	must(err)
	must(w.Client.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "tax-reporting", Name: "vero-trust"}, Data: b}))
	raw, _ := os.ReadFile("../../docs/samples/issuer.yaml")
	iss := &v1alpha1.VeroIssuer{}
	must(yaml.Unmarshal(raw, iss))
	iss.Spec.URL = w.Service.URL
	must(w.Client.Create(ctx, iss))
	must(w.Cluster.Apply(ctx, "../../docs/samples/certificate.yaml"))
	start := time.Now()
	for time.Since(start) < 40*time.Second {
		c := &cmapi.Certificate{}
		must(w.Client.Get(ctx, client.ObjectKey{Namespace: "tax-reporting", Name: "tax-reporting"}, c))
		for _, x := range c.Status.Conditions { if x.Type == "Ready" && x.Status == "True" { fmt.Println("READY", time.Since(start)); start = time.Time{} } }
		time.Sleep(300 * time.Millisecond)
	}
	l := &cmapi.CertificateRequestList{}
	must(w.Client.List(ctx, l))
	for _, x := range l.Items { x.ManagedFields = nil; y, _ := yaml.Marshal(x.Status); fmt.Println(string(y)) }
	o := &v1alpha1.VeroOrderList{}
	must(w.Client.List(ctx, o))
	for _, x := range o.Items { x.ManagedFields = nil; y, _ := yaml.Marshal(x.Status); fmt.Println(string(y)) }
	must(w.Client.Get(ctx, client.ObjectKeyFromObject(iss), iss))
	y, _ := yaml.Marshal(iss.Status); fmt.Println(string(y))
	lg, _ := os.ReadFile(w.Controller().LogFile()); fmt.Println(string(lg))
}
