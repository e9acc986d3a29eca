package apitest

import (
	"context"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Limited is a client with the rights of somebody to whom these rules are granted in the whole cluster, and no others.
func (s *Server) Limited(t *testing.T, rules ...rbacv1.PolicyRule) client.Client {
	t.Helper()
	user := s.Namespace(t) // a name that nobody else has
	s.Create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	for _, rule := range rules {
		s.awaitGranted(t, user, rule)
	}
	return s.As(t, user)
}

// awaitGranted waits until the API server knows of a rule: its authorizer lags behind what is written.
func (s *Server) awaitGranted(t *testing.T, user string, rule rbacv1.PolicyRule) {
	t.Helper()
	const within = 10 * time.Second
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, within, true,
		func(ctx context.Context) (bool, error) {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{
					Group: rule.APIGroups[0], Resource: rule.Resources[0], Verb: rule.Verbs[0],
				},
			}}
			err := s.Client.Create(ctx, review)
			return review.Status.Allowed, err
		})
	if err != nil {
		t.Fatalf("%s is not granted %+v: %v", user, rule, err)
	}
}
