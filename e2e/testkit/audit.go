package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// AuditEntry is what is read of an entry of the API server's audit log.
type AuditEntry struct {
	StageTimestamp time.Time `json:"stageTimestamp"`
	Verb           string    `json:"verb"`
	RequestURI     string    `json:"requestURI"`
	User           struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

// IsUnauthorized reports whether the user had no permission. Other requests end with 403 as well, for instance to
// create something in a namespace that is being deleted.
func (e AuditEntry) IsUnauthorized() bool {
	return e.Annotations["authorization.k8s.io/decision"] == "forbid"
}

// ReadAuditLog returns the entries of an audit log whose text mentions something, in their order. An entry that is
// being written is left out. It fails when a line is no entry.
func ReadAuditLog(path, mentions string) ([]AuditEntry, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []AuditEntry
	for line := range bytes.Lines(content) {
		if !bytes.HasSuffix(line, []byte("\n")) || !bytes.Contains(line, []byte(mentions)) {
			continue
		}
		var entry AuditEntry
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
