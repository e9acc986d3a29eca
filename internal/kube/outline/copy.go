package outline

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// DeepCopyObject implements runtime.Object.
func (r *CertificateRequest) DeepCopyObject() runtime.Object {
	copied := *r
	r.DeepCopyInto(&copied.ObjectMeta)
	copied.whole = r.whole.DeepCopy()
	return &copied
}

// DeepCopyObject implements runtime.Object.
func (o *ManualOrder) DeepCopyObject() runtime.Object {
	copied := *o
	o.DeepCopyInto(&copied.ObjectMeta)
	copied.RenewsUntil, copied.CompletionTime = o.RenewsUntil.DeepCopy(), o.CompletionTime.DeepCopy()
	copied.StaleTime = o.StaleTime.DeepCopy()
	return &copied
}

// DeepCopyObject implements runtime.Object.
func (l *CertificateRequestList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.Items = slices.Clone(l.Items)
	for i := range l.Items {
		l.Items[i].DeepCopyInto(&copied.Items[i].ObjectMeta)
	}
	return &copied
}

// DeepCopyObject implements runtime.Object.
func (l *ManualOrderList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.Items = slices.Clone(l.Items)
	for i := range l.Items {
		copied.Items[i] = *l.Items[i].DeepCopyObject().(*ManualOrder) //nolint:forcetypeassert // as above
	}
	return &copied
}
