// Package lru is k8s.io/utils/lru with types.
package lru

import "k8s.io/utils/lru"

// Cache keeps the entries that were used last. It is safe for concurrent use.
type Cache[K comparable, V any] struct{ entries *lru.Cache }

// New makes a cache of at most so many entries.
func New[K comparable, V any](size int) *Cache[K, V] { return &Cache[K, V]{entries: lru.New(size)} }

// Get returns the value that is kept for a key, or the zero value and false.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	found, _ := c.entries.Get(key)
	value, known := found.(V)
	return value, known
}

// Add keeps a value for a key, in place of an earlier one.
func (c *Cache[K, V]) Add(key K, value V) { c.entries.Add(key, value) }

// Remove forgets what is kept for a key.
func (c *Cache[K, V]) Remove(key K) { c.entries.Remove(key) }
