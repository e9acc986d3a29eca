// Package scaledown ends every Pod of some Deployments and waits for it: what `helm uninstall` runs first, because it
// takes away Pods and permissions at the same time, and a call that is under way needs its permission to be recorded.
package scaledown

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Namespace and Deployments name what is to end.
	Namespace   string
	Deployments []string
	// Timeout is how long all Pods may take to end.
	Timeout time.Duration
	// Kubeconfig is a file; empty means the Pod's service account.
	Kubeconfig string
}

// AddFlags declares the flags and sets the defaults.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Namespace, "namespace", "", "`namespace` of the Deployments")
	flags.StringSliceVar(&o.Deployments, "deployment", nil,
		"`name` of a Deployment; several are separated by commas, and end at the same time")
	flags.DurationVar(&o.Timeout, "timeout", 3*time.Minute, "`time` that their Pods may take to end")
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "", "kubeconfig `file`; left out, the service account of the Pod")
}

// Validate says everything that is wrong with the options.
func (o *Options) Validate() error {
	var failures []error
	if o.Namespace == "" {
		failures = append(failures, errors.New("--namespace must not be empty"))
	}
	if len(o.Deployments) == 0 || slices.Contains(o.Deployments, "") {
		failures = append(failures, errors.New("--deployment must not be empty"))
	}
	if o.Timeout <= 0 {
		failures = append(failures, errors.New("--timeout must be longer than nothing"))
	}
	return errors.Join(failures...)
}

// installedBy are the annotations of those who run the chart's hooks when they remove what they have installed, and
// only then: what helm writes on all that belongs to a release, and Argo CD on all that belongs to an application.
var installedBy = []string{"meta.helm.sh/release-name", "argocd.argoproj.io/tracking-id"}

// Run scales the Deployments to no replicas and returns once all their Pods have ended. A Deployment that is not there
// has none. One that neither helm nor Argo CD has installed is left alone: there this was not asked for by an
// uninstallation, but came with manifests that somebody has rendered and applied, hooks and all.
func Run(ctx context.Context, options Options, cluster client.Client, log logr.Logger) error {
	var ending []*appsv1.Deployment
	failures := make([]error, 0, 2*len(options.Deployments))
	for _, name := range options.Deployments {
		key := client.ObjectKey{Namespace: options.Namespace, Name: name}
		deployment, err := scaleDown(ctx, key, cluster, log)
		if deployment != nil {
			ending = append(ending, deployment)
		}
		failures = append(failures, err)
	}
	deadline, cancel := context.WithTimeout(ctx, options.Timeout)
	defer cancel()
	for _, deployment := range ending {
		log.Info("waiting for the Pods to end", "deployment", client.ObjectKeyFromObject(deployment),
			"timeout", options.Timeout.String())
		failures = append(failures, awaitEnd(deadline, options.Timeout, cluster, deployment))
	}
	return errors.Join(failures...)
}

// scaleDown scales a Deployment to no replicas. It returns none where there is nothing to wait for.
func scaleDown(
	ctx context.Context, key client.ObjectKey, cluster client.Client, log logr.Logger,
) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{}
	if err := cluster.Get(ctx, key, deployment); apierrors.IsNotFound(err) {
		log.Info("there is no such Deployment", "deployment", key)
		return nil, nil //nolint:nilnil // as documented
	} else if err != nil {
		return nil, fmt.Errorf("read Deployment %s: %w", key, err)
	}
	installed := func(by string) bool { return deployment.Annotations[by] != "" }
	if !slices.ContainsFunc(installedBy, installed) {
		log.Info("nothing is done, because the Deployment has none of the annotations of who installs it",
			"deployment", key, "annotations", installedBy)
		return nil, nil //nolint:nilnil // as documented
	}
	none := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))
	err := cluster.SubResource("scale").Patch(ctx, deployment, none, client.WithSubResourceBody(&autoscalingv1.Scale{}))
	if err != nil {
		return nil, fmt.Errorf("scale Deployment %s to no replicas: %w", key, err)
	}
	return deployment, nil
}

// awaitEnd waits until no Pod of the Deployment runs, and none can begin. What cannot be read is asked for again.
func awaitEnd(ctx context.Context, timeout time.Duration, cluster client.Reader, deployment *appsv1.Deployment) error {
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
