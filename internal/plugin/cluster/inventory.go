package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// chunk is how many objects are asked for at once. The API server answers a full list from memory as well, and both
// sides need as much of it as the answer is long.
const chunk = 250

// listed is a kind that an overview is made of.
type listed struct {
	kind schema.GroupVersionKind
	list func() client.ObjectList
	// supplement: without it a few dates are missing, and nothing else. Those are the kinds that the right to view a
	// namespace does not include.
	supplement bool
}

// kinds are those of an overview.
func kinds() []listed {
	ours := v1alpha1.GroupVersion.WithKind
	return []listed{
		{kind: cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind),
			list: func() client.ObjectList { return &cmapi.CertificateList{} }},
		{kind: cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateRequestKind),
			list: func() client.ObjectList { return &cmapi.CertificateRequestList{} }},
		{kind: ours("VeroOrder"), list: func() client.ObjectList { return &v1alpha1.VeroOrderList{} }},
		{kind: ours("ManualOrder"), list: func() client.ObjectList { return &v1alpha1.ManualOrderList{} }},
		{kind: ours("TrackedCertificate"), list: func() client.ObjectList { return &v1alpha1.TrackedCertificateList{} }},
		{kind: ours("MessagesPassword"), list: func() client.ObjectList { return &v1alpha1.MessagesPasswordList{} }},
		{kind: ours("VeroIssuer"), list: func() client.ObjectList { return &v1alpha1.VeroIssuerList{} }},
		{kind: ours("ManualIssuer"), list: func() client.ObjectList { return &v1alpha1.ManualIssuerList{} }},
		{kind: ours("VeroClusterIssuer"), supplement: true,
			list: func() client.ObjectList { return &v1alpha1.VeroClusterIssuerList{} }},
		{kind: ours("ManualClusterIssuer"), supplement: true,
			list: func() client.ObjectList { return &v1alpha1.ManualClusterIssuerList{} }},
	}
}

// Unread is a kind that could not be listed.
type Unread struct {
	// Kind, and its Resource, as kubectl names it.
	Kind, Resource string
	// Err says why.
	Err error
	// Supplement reports whether only a few dates are missing for it.
	Supplement bool
}

// Inventory holds the objects of one namespace, or of all.
type Inventory struct {
	// Unread are the kinds that could not be listed.
	Unread []Unread

	namespace string
	pages     []page
	objects   map[schema.GroupVersionKind]map[types.NamespacedName]client.Object
}

// page is what was listed of a kind, and at which version.
type page struct {
	listed

	version string
	objects []client.Object
	err     error
}

// List reads all that an overview is made of, in a namespace, or in all if that is empty. Kinds that are not installed
// or that may not be listed are noted; it is an error if that goes for all that matter.
func List(ctx context.Context, reader client.Reader, namespace string) (*Inventory, error) {
	pages := make([]page, len(kinds()))
	group, ctx := errgroup.WithContext(ctx)
	for i, kind := range kinds() {
		group.Go(func() error {
			pages[i] = page{listed: kind}
			pages[i].version, pages[i].objects, pages[i].err = listAll(ctx, reader, kind, namespace)
			if err := pages[i].err; err != nil && !IsRefused(err) && !isUnknown(err) {
				resource := Resource(kind.kind)
				return Explain(err, "list", resource, namespace, "list "+resource)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return newInventory(namespace, pages)
}

func newInventory(namespace string, pages []page) (*Inventory, error) {
	inventory := &Inventory{
		namespace: namespace, pages: pages,
		objects: map[schema.GroupVersionKind]map[types.NamespacedName]client.Object{},
	}
	readable := 0
	for i := range pages {
		listed := &pages[i]
		if listed.err != nil {
			inventory.Unread = append(inventory.Unread, unread(listed, namespace))
			continue
		}
		if !listed.supplement {
			readable++
		}
		objects := make(map[types.NamespacedName]client.Object, len(listed.objects))
		for _, object := range listed.objects {
			objects[client.ObjectKeyFromObject(object)] = object
		}
		inventory.objects[listed.kind], listed.objects = objects, nil
	}
	if readable == 0 {
		return nil, inventory.Unread[0].Err
	}
	return inventory, nil
}

func unread(listed *page, namespace string) Unread {
	resource := Resource(listed.kind)
	if listed.supplement {
		namespace = ""
	}
	noted := Unread{Kind: listed.kind.Kind, Resource: resource, Supplement: listed.supplement,
		Err: Explain(listed.err, "list", resource, namespace, "list "+resource)}
	if refused, is := errors.AsType[*RefusedError](noted.Err); is && refused.Verb == "list" {
		refused.AllNamespaces = namespace == "" && !listed.supplement
	}
	if isUnknown(listed.err) {
		noted.Err = fmt.Errorf("the cluster has no %s: cert-manager or varmenne-issuer is not installed there, or an older "+
			"version of it", resource)
	}
	return noted
}

// Missing is what rows do not show because it could not be listed. Of a supplement that is something only where a row
// has such an issuer, and all supplements are one.
func (i *Inventory) Missing(rows []overview.Row) []Unread {
	var missing, supplements []Unread
	for _, kind := range i.Unread {
		switch {
		case !kind.Supplement:
			missing = append(missing, kind)
		case slices.ContainsFunc(rows, func(row overview.Row) bool { return strings.HasPrefix(row.Issuer, kind.Kind+"/") }):
			supplements = append(supplements, kind)
		}
	}
	if len(supplements) == 0 {
		return missing
	}
	one := supplements[0]
	for _, other := range supplements[1:] {
		one.Resource += " and " + other.Resource
	}
	return append(missing, one)
}

// listAll lists a kind in chunks. A list that takes so long that the API server has forgotten where it was begins anew,
// as a whole.
func listAll(
	ctx context.Context, reader client.Reader, kind listed, namespace string,
) (version string, objects []client.Object, err error) {
	options := &client.ListOptions{Namespace: namespace, Limit: chunk}
	if kind.supplement {
		options.Namespace = ""
	}
	for {
		list := kind.list()
		err := reader.List(ctx, list, options)
		switch {
		case apierrors.IsResourceExpired(err) && options.Continue != "":
			options.Continue, options.Limit, objects = "", 0, nil
			continue
		case err != nil:
			return "", nil, err
		}
		if objects, err = appendTrimmed(objects, list); err != nil {
			return "", nil, err
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return list.GetResourceVersion(), objects, nil
		}
	}
}

func appendTrimmed(objects []client.Object, list client.ObjectList) ([]client.Object, error) {
	err := meta.EachListItem(list, func(item runtime.Object) error {
		object, isObject := item.(client.Object)
		if !isObject {
			return fmt.Errorf("%T is no object", item)
		}
		if kept := trim(object); kept != nil {
			objects = append(objects, kept)
		}
		return nil
	})
	return objects, err
}

// trim is an object without what nobody here asks for, nil if it is not ours. It is a copy of its own, so that the page
// that it came with can be forgotten.
func trim(object client.Object) client.Object {
	if !(&overview.Objects{}).Add(object) {
		return nil
	}
	object.SetManagedFields(nil)
	delete(object.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
	switch object := object.(type) {
	case *cmapi.CertificateRequest:
		object.Status.Certificate, object.Status.CA = nil, nil
		object.Spec.Extra, object.Spec.Groups = nil, nil
	case *v1alpha1.VeroOrder:
		object.Status.Certificate, object.Status.CA, object.Spec.Request = nil, nil, nil
	case *v1alpha1.ManualOrder:
		object.Status.Certificate, object.Status.CA = nil, nil
		object.Spec.Certificate = ""
	case *v1alpha1.TrackedCertificate:
		object.Spec.Source.Certificate = ""
	}
	copied, isObject := object.DeepCopyObject().(client.Object)
	if !isObject {
		return object
	}
	return copied
}

// IsEmpty reports whether there is nothing of ours in the namespace, or in any.
func (i *Inventory) IsEmpty() bool {
	return !slices.ContainsFunc(i.pages, func(listed page) bool {
		return !listed.supplement && len(i.objects[listed.kind]) > 0
	})
}

// RefuseAbsent is an error for a namespace that does not exist: the API server lists nothing in it, as in one where
// nothing is wrong. All namespaces, and one that the person may not look at, are none.
func RefuseAbsent(ctx context.Context, reader client.Reader, namespace string) error {
	if namespace == "" {
		return nil
	}
	if err := reader.Get(ctx, types.NamespacedName{Name: namespace}, &corev1.Namespace{}); apierrors.IsNotFound(err) {
		return fmt.Errorf("namespace %s does not exist: name another one with -n", namespace)
	}
	return nil
}

// Objects are those of the inventory, to be looked at.
func (i *Inventory) Objects() overview.Objects {
	var objects overview.Objects
	for _, kind := range kinds() {
		keys := make([]types.NamespacedName, 0, len(i.objects[kind.kind]))
		for key := range i.objects[kind.kind] {
			keys = append(keys, key)
		}
		slices.SortFunc(keys, compareKeys)
		for _, key := range keys {
			objects.Add(i.objects[kind.kind][key])
		}
	}
	return objects
}
