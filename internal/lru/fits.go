package lru

import "encoding/json"

// Fits reports whether a value takes no more than so many bytes in JSON: whoever may write large objects could fill the
// memory with them else, however few are kept.
func Fits(value any, most int) bool {
	var length length
	err := json.NewEncoder(&length).Encode(value)
	return err == nil && int(length)-len("\n") <= most
}

// length counts what is written to it. An Encoder writes from memory that it uses again.
type length int

func (l *length) Write(written []byte) (int, error) {
	*l += length(len(written))
	return len(written), nil
}
