package scaledown_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/scaledown"
)

// long is more than anything takes here. brief is enough for a few looks, also on a busy machine, and ends between two
// of them.
const (
	long  = time.Minute
	brief = 3500 * time.Millisecond
)

func TestItEndsWithTheLastPod(t *testing.T) {
	deployment, pod := running(t, "last-pod")
	waits := make(chan struct{})
	result := make(chan error, 1)
	log := funcr.New(func(_, line string) {
		if strings.Contains(line, "waiting for the Pods") {
			close(waits)
		}
	}, funcr.Options{})
	go func() {
		result <- scaledown.Run(t.Context(), options(deployment, long), server.Client, log)
	}()
	<-waits
	observe(t, deployment)
	if *deployment.Spec.Replicas != 0 {
		t.Errorf("it has %d replicas", *deployment.Spec.Replicas)
	}
	select {
	case err := <-result:
		t.Fatalf("it has not waited for the Pod: %v", err)
	default:
	}
	must.Do(t, server.Client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestAPodThatDoesNotEndIsNamed(t *testing.T) {
	deployment, _ := running(t, "stubborn")
	scaled := options(deployment, brief)
	// Nobody plays the Deployment controller yet.
	expect(t, scaled, "has not scaled it yet")
	observe(t, deployment)
	expect(t, scaled, "stubborn/controller", "these Pods still run: controller-1", "waited "+brief.String())
}

func TestAPodThatHasEndedIsNotWaitedFor(t *testing.T) {
	deployment, pod := running(t, "ended")
	pod.Status.Phase = corev1.PodSucceeded
	must.Do(t, server.Client.Status().Update(t.Context(), pod))
	expect(t, options(deployment, brief), "has not scaled it yet")
	observe(t, deployment)
	must.Do(t, run(t, options(deployment, long)))
}

func TestADeploymentThatIsNotThereHasEnded(t *testing.T) {
	missing := scaledown.Options{Namespace: "default", Deployments: []string{"missing"}, Timeout: long}
	must.Do(t, run(t, missing))
}

// TestSeveralEndAtTheSameTime: none is scaled only after another one has ended, or never because of it.
func TestSeveralEndAtTheSameTime(t *testing.T) {
	first, _ := running(t, "several")
	second := first.DeepCopy()
	second.ObjectMeta = metav1.ObjectMeta{Namespace: first.Namespace, Name: "messages", Annotations: first.Annotations}
	must.Do(t, server.Client.Create(t.Context(), second))
	asked := options(first, brief)
	asked.Deployments = []string{"missing", first.Name, second.Name}
	expect(t, asked, "Deployment several/controller to end", "Deployment several/messages to end")
	observe(t, first)
	observe(t, second)
	if *first.Spec.Replicas != 0 || *second.Spec.Replicas != 0 {
		t.Errorf("they have %d and %d replicas", *first.Spec.Replicas, *second.Spec.Replicas)
	}
}

// TestWhatArgoCDHasInstalledEnds: it renders the chart, so that there is no release of helm, and runs the hook only
// before it deletes all of it.
func TestWhatArgoCDHasInstalledEnds(t *testing.T) {
	deployment, _ := running(t, "tracked")
	deployment.Annotations = map[string]string{
		"argocd.argoproj.io/tracking-id": "issuers:apps/Deployment:tracked/controller",
	}
	must.Do(t, server.Client.Update(t.Context(), deployment))
	expect(t, options(deployment, brief), "has not scaled it yet")
	observe(t, deployment)
	if *deployment.Spec.Replicas != 0 {
		t.Errorf("it has %d replicas", *deployment.Spec.Replicas)
	}
}

// TestWhatNobodyInstalledIsLeftAlone: somebody has rendered the chart and applied all of it.
func TestWhatNobodyInstalledIsLeftAlone(t *testing.T) {
	deployment, _ := running(t, "rendered")
	deployment.Annotations = map[string]string{"example.com/applied-by": "kubectl"}
	must.Do(t, server.Client.Update(t.Context(), deployment))
	must.Do(t, run(t, options(deployment, long)))
	observe(t, deployment)
	if *deployment.Spec.Replicas != 2 {
		t.Errorf("it has %d replicas", *deployment.Spec.Replicas)
	}
}

func TestOptionsThatCannotWorkAreNamed(t *testing.T) {
	err := (&scaledown.Options{}).Validate()
	must.Say(t, err, "--namespace", "--deployment", "--timeout")
}

func run(t *testing.T, asked scaledown.Options) error {
	t.Helper()
	return scaledown.Run(t.Context(), asked, server.Client, logr.Discard())
}

// expect wants an error that says all of it.
func expect(t *testing.T, asked scaledown.Options, says ...string) {
	t.Helper()
	err := run(t, asked)
	must.Say(t, err, says...)
}

func options(deployment *appsv1.Deployment, timeout time.Duration) scaledown.Options {
	return scaledown.Options{Namespace: deployment.Namespace, Deployments: []string{deployment.Name}, Timeout: timeout}
}

// running makes a Deployment and its Pod, beside one of somebody else.
func running(t *testing.T, namespace string) (*appsv1.Deployment, *corev1.Pod) {
	t.Helper()
	labels := map[string]string{"app": "controller"}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "controller", Image: "none"}}},
	}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "controller", Annotations: map[string]string{"meta.helm.sh/release-name": "vero"},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template,
		},
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "controller-1", Labels: labels}, Spec: template.Spec,
	}
	other := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "other"}, Spec: template.Spec}
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	for _, object := range []client.Object{space, deployment, pod, other} {
		must.Do(t, server.Client.Create(t.Context(), object))
	}
	return deployment, pod
}

// observe plays the Deployment controller, which says what it has taken note of. Here none runs.
func observe(t *testing.T, deployment *appsv1.Deployment) {
	t.Helper()
	must.Do(t, server.Client.Get(t.Context(), client.ObjectKeyFromObject(deployment), deployment))
	deployment.Status.ObservedGeneration = deployment.Generation
	must.Do(t, server.Client.Status().Update(t.Context(), deployment))
}
