package lru

import "encoding/json"

// Fits reports whether a value takes no more than so many bytes in JSON: whoever may write large objects could fill the
// memory with them else, however few are kept.
func Fits(value any, most int) bool {
	encoded, err := json.Marshal(value)
	return err == nil && len(encoded) <= most
}
