// Package migration carries what a build from before the names of the API conventions has stored over to the names that
// fields have now. There is no conversion in the API server, which drops fields that a definition does not know: an
// order that has lost its RetrievalId would be paid for a second time.
//
// So it works before the upgrade, while the old definitions are there and no controller runs. It lets them keep fields
// that they do not know, and writes each value under its new name, beside the old one. Whatever interrupts it or comes
// after it, at no time is a value gone that was paid for, and it can be run again.
package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
)

// The API server takes up a changed definition within a second or so.
const (
	servedStep    = 200 * time.Millisecond
	servedTimeout = 30 * time.Second
)

// keepUnknown has the API server keep fields of an object that its schema does not know.
const keepUnknown = "x-kubernetes-preserve-unknown-fields"

// kind is one whose fields have other names now.
type kind struct {
	kind, plural string
	// parents are the paths of the objects that hold the fields.
	parents [][]string
	// names are those now, by those before.
	names map[string]string
}

func kinds() []kind {
	bundles := [][]string{{"spec", "trust", "tls"}, {"spec", "trust", "responses"}, {"spec", "trust", "issuance"}}
	references := map[string]string{"configMapRef": "configMapKeyRef", "secretRef": "secretKeyRef"}
	return []kind{
		{"VeroOrder", "veroorders", [][]string{{"status"}}, map[string]string{
			"phase": "state", "retrievalId": "retrievalID", "retrievalIdUnverified": "retrievalIDUnverified",
			"refusedRetrievalId": "refusedRetrievalID", "submittedAt": "submissionTime", "pollStartedAt": "pollStartTime",
			"acceptedAt": "acceptanceTime", "refusedSince": "firstRefusalTime", "endedAt": "completionTime",
		}},
		{v1alpha1.KindVeroIssuer, "veroissuers", bundles, references},
		{v1alpha1.KindVeroClusterIssuer, "veroclusterissuers", bundles, references},
	}
}

// reasons are the names that they have now, by those before.
func reasons() map[string]string {
	return map[string]string{
		"AnswerLost": v1alpha1.ReasonResponseLost, "UntrustedAnswer": v1alpha1.ReasonUntrustedResponse,
	}
}

// Run carries everything over, and says what it has done. After the upgrade it takes away again what it let the
// definitions keep, should the upgrade have left that.
func Run(ctx context.Context, access client.Client, say func(format string, arguments ...any)) error {
	for _, k := range kinds() {
		definition, err := k.definition(ctx, access)
		if err != nil {
			return err
		}
		if k.isOld(definition) {
			if err := refuseControllers(ctx, access); err != nil {
				return err
			}
			err = errors.Join(k.keep(ctx, access, definition, true), k.carryAll(ctx, access, say))
		} else {
			say("CustomResourceDefinition %s has the new names already.", definition.GetName())
			err = k.keep(ctx, access, definition, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseControllers returns an error where a controller would undo what is done here: the old one writes whole
// statuses. One that is being scaled down still records what its last call has brought, until its Pod is gone.
func refuseControllers(ctx context.Context, access client.Client) error {
	list := listOf("apps/v1", "Deployment")
	labels := client.MatchingLabels{"app.kubernetes.io/component": "controller"}
	if err := access.List(ctx, list, labels); err != nil {
		return cluster.Explain(err, "list", "deployments.apps", "", "list Deployments")
	}
	for _, deployment := range list.Items {
		if !isOurs(deployment.GetLabels()) {
			continue
		}
		wanted, found, _ := unstructured.NestedInt64(deployment.Object, "spec", "replicas")
		pods, err := podsOf(ctx, access, &deployment)
		if err != nil {
			return err
		}
		if !found || wanted > 0 || pods > 0 {
			return fmt.Errorf("the controllers of Deployment %s/%s run: write `kubectl -n %[1]s scale deployment %[2]s "+
				"--replicas=0`, wait until its Pods are gone, and try again", deployment.GetNamespace(), deployment.GetName())
		}
	}
	return nil
}

// isOurs reports whether an object is the chart's, also where nameOverride has another name for it.
func isOurs(labels map[string]string) bool {
	return labels["app.kubernetes.io/name"] == program || strings.HasPrefix(labels["helm.sh/chart"], program+"-")
}

// program is the name of the chart.
const program = "varmenne-issuer"

// podsOf counts the Pods of a Deployment that have not ended, with those that are on their way.
func podsOf(ctx context.Context, access client.Client, deployment *unstructured.Unstructured) (int, error) {
	selected, _, _ := unstructured.NestedStringMap(deployment.Object, "spec", "selector", "matchLabels")
	namespace, pods := deployment.GetNamespace(), listOf("v1", "Pod")
	err := access.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels(selected))
	running := slices.DeleteFunc(pods.Items, func(pod unstructured.Unstructured) bool {
		phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
		return phase == "Succeeded" || phase == "Failed"
	})
	return len(running), cluster.Explain(err, "list", "pods", namespace, "list Pods of namespace "+namespace)
}

func (k kind) definition(ctx context.Context, access client.Client) (*unstructured.Unstructured, error) {
	definition := &unstructured.Unstructured{}
	definition.SetAPIVersion("apiextensions.k8s.io/v1")
	definition.SetKind("CustomResourceDefinition")
	name := k.plural + "." + v1alpha1.GroupName
	err := access.Get(ctx, client.ObjectKey{Name: name}, definition)
	return definition, cluster.Explain(err, "get", "customresourcedefinitions.apiextensions.k8s.io", "",
		"get CustomResourceDefinition "+name)
}

// schemas are those of the parents, in the definition itself.
func (k kind) schemas(definition *unstructured.Unstructured) []map[string]any {
	var found []map[string]any
	versions, _, _ := unstructured.NestedFieldNoCopy(definition.Object, "spec", "versions")
	list, _ := versions.([]any)
	for _, version := range list {
		version, _ := version.(map[string]any)
		for _, parent := range k.parents {
			path := []string{"schema", "openAPIV3Schema"}
			for _, name := range parent {
				path = append(path, "properties", name)
			}
			schema, _, _ := unstructured.NestedFieldNoCopy(version, path...)
			if schema, is := schema.(map[string]any); is {
				found = append(found, schema)
			}
		}
	}
	return found
}

// isOld reports whether the definition has the names of before.
func (k kind) isOld(definition *unstructured.Unstructured) bool {
	return slices.ContainsFunc(k.schemas(definition), func(schema map[string]any) bool {
		properties, _ := schema["properties"].(map[string]any)
		for before := range k.names {
			if _, has := properties[before]; has {
				return true
			}
		}
		return false
	})
}

// keep has the definition keep fields that it does not know, or not any more.
func (k kind) keep(
	ctx context.Context, access client.Client, definition *unstructured.Unstructured, wanted bool,
) error {
	changed := false
	for _, schema := range k.schemas(definition) {
		if _, has := schema[keepUnknown]; has == wanted {
			continue
		}
		changed = true
		if delete(schema, keepUnknown); wanted {
			schema[keepUnknown] = true
		}
	}
	if !changed {
		return nil
	}
	return cluster.Explain(access.Update(ctx, definition), "update", "customresourcedefinitions.apiextensions.k8s.io", "",
		"update CustomResourceDefinition "+definition.GetName())
}

// carryAll carries the objects of the kind over.
func (k kind) carryAll(ctx context.Context, access client.Client, say func(format string, arguments ...any)) error {
	list := listOf(v1alpha1.GroupVersion.String(), k.kind)
	resource := k.plural + "." + v1alpha1.GroupName
	if err := access.List(ctx, list); err != nil {
		return cluster.Explain(err, "list", resource, "", "list "+resource)
	}
	for _, object := range list.Items {
		changed, err := k.carry(ctx, access, &object)
		what := fmt.Sprintf("%s %s", k.kind, client.ObjectKeyFromObject(&object))
		if apierrors.IsNotFound(err) {
			continue // Somebody has deleted it meanwhile.
		}
		if err != nil {
			return cluster.Explain(err, "patch", resource, object.GetNamespace(), "write the new names into "+what)
		}
		if changed {
			say("%s has the new names.", what)
		}
	}
	return nil
}

// carry writes the values of one object under their new names, until the API server has kept them.
func (k kind) carry(ctx context.Context, access client.Client, object *unstructured.Unstructured) (bool, error) {
	changed := false
	err := wait.PollUntilContextTimeout(ctx, servedStep, servedTimeout, true, func(ctx context.Context) (bool, error) {
		patch := k.patch(object)
		if len(patch) == 0 {
			return true, nil
		}
		changed = true
		encoded, err := json.Marshal(patch)
		if err != nil {
			return false, err
		}
		merge := client.RawPatch(types.MergePatchType, encoded)
		if _, ofStatus := patch["status"]; ofStatus {
			err = access.Status().Patch(ctx, object, merge)
		} else {
			err = access.Patch(ctx, object, merge)
		}
		return len(k.patch(object)) == 0, err // The response shows what was kept.
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = fmt.Errorf("the API server drops them: has something put the definition %s back?", k.plural)
	}
	return changed, err
}

// patch is what the object lacks, as a merge patch; empty if it lacks nothing.
func (k kind) patch(object *unstructured.Unstructured) map[string]any {
	patch := map[string]any{}
	for _, parent := range k.parents {
		found, _, _ := unstructured.NestedFieldNoCopy(object.Object, parent...)
		values, _ := found.(map[string]any)
		lacking := map[string]any{}
		for before, now := range k.names {
			value, has := values[before]
			if has && !reflect.ValueOf(value).IsZero() && !reflect.DeepEqual(values[now], value) {
				lacking[now] = value
			}
		}
		if parent[0] == "status" {
			maps.Copy(lacking, renamedReasons(values))
		}
		if len(lacking) > 0 {
			_ = unstructured.SetNestedMap(patch, lacking, parent...) // Nothing but objects is on the path.
		}
	}
	return patch
}

// renamedReasons are the parts of an order's status with a reason that has another name now.
func renamedReasons(status map[string]any) map[string]any {
	lacking := map[string]any{}
	rename := func(holder any) bool {
		fields, _ := holder.(map[string]any)
		before, _ := fields["reason"].(string)
		now, renamed := reasons()[before]
		if renamed {
			fields["reason"] = now
		}
		return renamed
	}
	problem, conditions := status["issuerProblem"], status["conditions"]
	if rename(problem) {
		lacking["issuerProblem"] = problem
	}
	list, _ := conditions.([]any)
	renamed := false
	for _, condition := range list {
		renamed = rename(condition) || renamed
	}
	if renamed {
		lacking["conditions"] = list
	}
	return lacking
}

func listOf(version, kind string) *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion(version)
	list.SetKind(kind + "List")
	return list
}
