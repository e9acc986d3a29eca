package lru_test

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/lru"
)

func TestWhatWasUsedLastIsKept(t *testing.T) {
	cache := lru.New[string, int](2)
	cache.Add("one", 1)
	cache.Add("two", 2)
	cache.Get("one")
	cache.Add("three", 3)
	cache.Remove("three")
	for key, want := range map[string]int{"one": 1, "two": 0, "three": 0} {
		if got, known := cache.Get(key); got != want || known != (want != 0) {
			t.Errorf("for %q there is %d, %t", key, got, known)
		}
	}
}

func TestWhatIsLargerDoesNotFit(t *testing.T) {
	for value, want := range map[any]bool{"1234": true, "12345": false, make(chan int): false} {
		if got := lru.Fits(value, len(`"1234"`)); got != want {
			t.Errorf("%v fits: %t", value, got)
		}
	}
}
