package secrets

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// redaction is embedded in what must not be seen: it prints, marshals and logs as [redacted], whatever the verb.
type redaction struct{}

// Format is [redacted] for every verb: without it, %d would print the fields.
func (redaction) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// String is [redacted], for encoders that ask for it.
func (redaction) String() string { return redacted }

// MarshalText is [redacted], for encoders of every kind.
func (redaction) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is [redacted].
func (redaction) LogValue() slog.Value { return slog.StringValue(redacted) }
