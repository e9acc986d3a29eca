package find_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// TestAnOrderTakesLittleMemory in a cache, where there may be ten thousand. The bound is one and a half times what it
// takes.
func TestAnOrderTakesLittleMemory(t *testing.T) {
	const many, bound = 2000, 6000
	root := pkitest.Root(t, "issuing CA")
	leaf, csr := pkitest.PEM(root.Issue(t, pkitest.Key("ours"), "0123456-7")), csr(t, "ours")
	now := metav1.NewTime(time.Now())
	moment := metav1.NewMicroTime(now.Time)
	pending := func(number int) *v1alpha1.VeroOrder {
		name := strconv.Itoa(number)
		sum := sha256.Sum256([]byte(name))
		digits := hex.EncodeToString(sum[:])
		order := order("tax", "sign-"+name, digits)
		order.UID, order.ResourceVersion = types.UID(digits[:36]), "123456"
		order.Labels[v1alpha1.LabelPublicKey] = v1alpha1.LabelValue(digits)
		order.Annotations = map[string]string{cmapi.CertificateNameKey: name, v1alpha1.AnnotationRequestName: name + "-1"}
		order.Spec.Request, order.Spec.RequestUID, order.Spec.PublicKeyDigest = csr, order.UID, digits
		order.Status = v1alpha1.VeroOrderStatus{
			State: v1alpha1.VeroOrderSubmitted, RetrievalID: digits[:32], Submissions: 1, SubmissionTime: &moment,
			AcceptanceTime: &moment, NextPollTime: &moment, Conditions: []metav1.Condition{{
				Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingCertificate,
				LastTransitionTime: now,
				Message: fmt.Sprintf("the certificate service has accepted the request (RetrievalId %s) and makes the certificate",
					digits[:32]),
			}},
		}
		return order
	}
	issued := func(number int) *v1alpha1.VeroOrder {
		order := pending(number)
		order.Status.State, order.Status.CompletionTime, order.Status.NextPollTime = v1alpha1.VeroOrderIssued, &now, nil
		order.Status.Certificate, order.Status.CA = slices.Concat(leaf, leaf), leaf
		order.Status.Conditions[0].Status, order.Status.Conditions[0].Reason = metav1.ConditionTrue, v1alpha1.ReasonIssued
		order.Status.Conditions[0].Message = "the certificate was issued"
		return order
	}
	for claim, order := range map[string]func(int) *v1alpha1.VeroOrder{"on its way": pending, "issued": issued} {
		t.Run(claim, func(t *testing.T) {
			before := heap()
			cached := cacheOf(t, many, order)
			each := (heap() - before) / many
			runtime.KeepAlive(cached)
			t.Logf("%s: %d bytes each", claim, each)
			if each > bound {
				t.Errorf("each takes %d bytes, more than %d", each, bound)
			}
		})
	}
}

func heap() uint64 {
	for range 2 { // what a finalizer has kept goes in the second
		runtime.GC()
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}

// cacheOf starts a cache, with the indexes, that is given orders as an API server would give them.
func cacheOf(t *testing.T, many int, order func(int) *v1alpha1.VeroOrder) cache.Cache {
	t.Helper()
	source := &toolscache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (kruntime.Object, error) {
			read := &v1alpha1.VeroOrderList{Items: make([]v1alpha1.VeroOrder, many)}
			read.ResourceVersion = "123456"
			for i := range read.Items {
				if err := json.Unmarshal(must.Get(json.Marshal(order(i)))(t), &read.Items[i]); err != nil {
					return nil, err
				}
			}
			return read, nil
		},
		WatchFuncWithContext: func(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
			if options.SendInitialEvents != nil {
				return nil, errors.New("only lists")
			}
			return watch.NewFake(), nil
		},
	}
	return runCache(t, cache.Options{
		Scheme:   outline.Scheme(),
		ByObject: map[client.Object]cache.ByObject{&v1alpha1.VeroOrder{}: {Transform: outline.Trim}},
		NewInformer: func(
			given toolscache.ListerWatcher, object kruntime.Object, resync time.Duration, indexers toolscache.Indexers,
		) toolscache.SharedIndexInformer {
			if _, isOrder := object.(*v1alpha1.VeroOrder); isOrder {
				given = source
			}
			return find.NewInformer(given, object, resync, indexers)
		},
	})
}
