package sensitive

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Redaction is embedded in what must not be seen: it prints, marshals and logs as [redacted], whatever the verb.
type Redaction struct{}

// String is [redacted], for loggers that ask for it themselves.
func (Redaction) String() string { return redacted }

// Format writes [redacted] whatever the verb: for some, such as %d and %#v, package fmt would not ask String.
func (Redaction) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText is [redacted], for encoders of every kind.
func (Redaction) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is [redacted].
func (Redaction) LogValue() slog.Value { return slog.StringValue(redacted) }
