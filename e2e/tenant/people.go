package tenant

import (
	"context"
	"errors"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// GrantRoles grants a user in the tenant's namespace some of the chart's roles for people, and what cert-manager's
// chart and the cluster's own controllers would add to them: neither is here.
func (n *Tenant) GrantRoles(user string, roles ...string) {
	n.Helper()
	name := metav1.ObjectMeta{Namespace: n.Namespace, Name: user}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	n.Create(&rbacv1.Role{ObjectMeta: name, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"cert-manager.io"}, Resources: []string{"certificates", "certificaterequests"},
			Verbs: []string{"get", "list", "watch"}},
		{APIGroups: []string{""}, Resources: []string{"events", "configmaps"}, Verbs: []string{"get", "list", "watch"}},
	}})
	bind := func(reference rbacv1.RoleRef) {
		n.Create(&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: n.Namespace,
			Name: user + "." + reference.Name}, RoleRef: reference, Subjects: subjects})
	}
	bind(rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user})
	for _, role := range roles {
		bind(rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "varmenne-issuer-" + role})
	}
}

// Apply carries a CSR in PEM to the DVV of the tenant's service, and returns what DVV mails.
func (n *Tenant) Apply(request []byte, changes ...func(*admin.Application)) []byte {
	n.Helper()
	application := admin.Application{
		Applicant: "Maija", Organization: n.Namespace, TechnicalContact: "it@example.fi", CSR: string(request),
		ValidFrom: time.Now().UTC().Format(time.DateOnly), Delay: admin.Duration(time.Millisecond),
	}
	for _, change := range changes {
		change(&application)
	}
	reference := must.Get(n.Service.Apply(n.Context(), application))(n)
	var mail admin.Mail
	n.Eventually("the mail", func(ctx context.Context) (bool, error) {
		var err error
		mail, err = n.Service.Mail(ctx, reference)
		if _, early := errors.AsType[*admin.NotMailedError](err); early {
			return false, nil
		}
		return err == nil, err
	})
	return mail.Content
}
