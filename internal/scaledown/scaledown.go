// Package scaledown ends every Pod of a Deployment and waits for it: what `helm uninstall` runs first, because it takes
// away Pods and permissions at the same time, and a call that is under way needs its permission to be recorded.
package scaledown

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// interval is the pause between two looks at the Pods.
const interval = time.Second

// Options of standing down.
type Options struct {
	// Namespace and Deployment name what is to end.
	Namespace, Deployment string
	// Timeout is how long all its Pods may take to end.
	Timeout time.Duration
	// Kubeconfig is a file; empty means the Pod's service account.
	Kubeconfig string
}

// AddFlags declares the flags and sets the defaults.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Namespace, "namespace", "", "`namespace` of the Deployment")
	flags.StringVar(&o.Deployment, "deployment", "", "`name` of the Deployment")
	flags.DurationVar(&o.Timeout, "timeout", 3*time.Minute, "`time` that its Pods may take to end")
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "", "kubeconfig `file`; left out, the service account of the Pod")
}

// Validate says everything that is wrong with the options.
func (o *Options) Validate() error {
	var failures []error
	if o.Namespace == "" {
		failures = append(failures, errors.New("--namespace must not be empty"))
	}
	if o.Deployment == "" {
		failures = append(failures, errors.New("--deployment must not be empty"))
	}
	if o.Timeout <= 0 {
		failures = append(failures, errors.New("--timeout must be longer than nothing"))
	}
	return errors.Join(failures...)
}

// annotationRelease is what helm writes on all that belongs to a release.
const annotationRelease = "meta.helm.sh/release-name"

// Run scales the Deployment to no replicas and returns once all its Pods have ended. A Deployment that is not there
// has none. One that helm has not installed is left alone: there this was not asked for by an uninstallation, but came
// with manifests that somebody has rendered and applied, hooks and all.
func Run(ctx context.Context, options Options, cluster client.Client, log logr.Logger) error {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: options.Namespace, Name: options.Deployment}
	if err := cluster.Get(ctx, key, deployment); apierrors.IsNotFound(err) {
		log.Info("there is no such Deployment", "deployment", key)
		return nil
	} else if err != nil {
		return fmt.Errorf("read Deployment %s: %w", key, err)
	}
	if deployment.Annotations[annotationRelease] == "" {
		log.Info("nothing is done, because the Deployment belongs to no release of helm", "deployment", key)
		return nil
	}
	none := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))
	err := cluster.SubResource("scale").Patch(ctx, deployment, none, client.WithSubResourceBody(&autoscalingv1.Scale{}))
	if err != nil {
		return fmt.Errorf("scale Deployment %s to no replicas: %w", key, err)
	}
	log.Info("waiting for the Pods to end", "deployment", key, "timeout", options.Timeout.String())
	return awaitEnd(ctx, options.Timeout, cluster, deployment)
}

// awaitEnd waits until no Pod of the Deployment runs, and none can begin. What cannot be read is asked for again.
func awaitEnd(ctx context.Context, timeout time.Duration, cluster client.Reader, deployment *appsv1.Deployment) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last := errors.New("there was no time to look")
	err := wait.PollUntilContextCancel(ctx, interval, true, func(ctx context.Context) (bool, error) {
		problem := ended(ctx, cluster, deployment)
		if ctx.Err() == nil {
			last = problem
		}
		return problem == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waited %s for Deployment %s to end: %w; see why, and try again; to keep it, scale it up again",
			timeout, client.ObjectKeyFromObject(deployment), last)
	}
	return nil
}

// ended returns nil if the Deployment has been scaled and its Pods have ended, else what is still to come.
func ended(ctx context.Context, cluster client.Reader, deployment *appsv1.Deployment) error {
	err := client.IgnoreNotFound(cluster.Get(ctx, client.ObjectKeyFromObject(deployment), deployment))
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	if deployment.Status.ObservedGeneration < deployment.Generation {
		return errors.New("the Deployment controller has not scaled it yet")
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return fmt.Errorf("its selector: %w", err)
	}
	pods := &corev1.PodList{}
	err = cluster.List(ctx, pods, client.InNamespace(deployment.Namespace),
		client.MatchingLabelsSelector{Selector: selector})
	if err != nil {
		return fmt.Errorf("list its Pods: %w", err)
	}
	if names := running(pods); len(names) > 0 {
		return fmt.Errorf("these Pods still run: %s", strings.Join(names, ", "))
	}
	return nil
}

// running are the names of the Pods that have not ended yet.
func running(pods *corev1.PodList) []string {
	var names []string
	for i := range pods.Items {
		if phase := pods.Items[i].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			names = append(names, pods.Items[i].Name)
		}
	}
	return names
}
