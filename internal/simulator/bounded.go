package simulator

// bounded is a map that forgets its oldest entries: state is volatile and must not grow for ever.
type bounded[V any] struct {
	limit  int
	order  []string
	values map[string]V
}

func newBounded[V any](limit int) *bounded[V] {
	return &bounded[V]{limit: limit, values: map[string]V{}}
}

// put adds an entry; keys are random and never put twice.
func (b *bounded[V]) put(key string, value V) {
	if len(b.order) >= b.limit {
		delete(b.values, b.order[0])
		b.order = b.order[1:]
	}
	b.order = append(b.order, key)
	b.values[key] = value
}

func (b *bounded[V]) get(key string) (V, bool) {
	value, found := b.values[key]
	return value, found
}

// all lists the values, oldest first.
func (b *bounded[V]) all() []V {
	values := make([]V, 0, len(b.order))
	for _, key := range b.order {
		values = append(values, b.values[key])
	}
	return values
}
