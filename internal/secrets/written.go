package secrets

import (
	"encoding/json"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Written is when the values of some keys of a Secret were last changed. The API server notes, for everybody who writes
// to an object, which fields are theirs and when they last changed one of them; who writes the same values again has
// changed nothing. Without such notes it is when the Secret was made.
func Written(secret *corev1.Secret, keys ...string) time.Time {
	var last time.Time
	for i := range secret.ManagedFields {
		entry := &secret.ManagedFields[i]
		if entry.Time != nil && entry.Time.After(last) && ownsAny(entry.FieldsV1, keys) {
			last = entry.Time.Time
		}
	}
	if last.IsZero() {
		return secret.CreationTimestamp.Time
	}
	return last
}

// ownsAny reports whether one of the keys is among the fields. They are names; values are never in there.
func ownsAny(fields *metav1.FieldsV1, keys []string) bool {
	if fields == nil {
		return false
	}
	var owned struct {
		Data map[string]json.RawMessage `json:"f:data"`
	}
	if err := json.Unmarshal(fields.GetRawBytes(), &owned); err != nil {
		return false
	}
	return slices.ContainsFunc(keys, func(key string) bool {
		_, owns := owned.Data["f:"+key]
		return owns
	})
}
