package limiter

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// waiting are those who want a slot: namespaces by the length of time for which none of theirs got one, in each the
// issuers likewise, and for each issuer the objects in order of arrival.
type waiting struct {
	namespaces []*namespaceLine
	// known are all objects that wait.
	known map[types.NamespacedName]struct{}
}

type namespaceLine struct {
	namespace string
	issuers   []*issuerLine
}

type issuerLine struct {
	slot  Slot
	names []types.NamespacedName
}

// add puts an object at the end of its line, unless it is in it.
func (w *waiting) add(wanted Slot, name types.NamespacedName) {
	if _, known := w.known[name]; known {
		return
	}
	if w.known == nil {
		w.known = map[types.NamespacedName]struct{}{}
	}
	w.known[name] = struct{}{}
	i := slices.IndexFunc(w.namespaces, func(n *namespaceLine) bool { return n.namespace == wanted.Namespace })
	if i < 0 {
		i = len(w.namespaces)
		w.namespaces = append(w.namespaces, &namespaceLine{namespace: wanted.Namespace})
	}
	namespace := w.namespaces[i]
	j := slices.IndexFunc(namespace.issuers, func(i *issuerLine) bool { return i.slot == wanted })
	if j < 0 {
		j = len(namespace.issuers)
		namespace.issuers = append(namespace.issuers, &issuerLine{slot: wanted})
	}
	namespace.issuers[j].names = append(namespace.issuers[j].names, name)
}

// next takes out the first object whose slot is free. Its issuer and its namespace are the last ones then.
func (w *waiting) next(free func(Slot) bool) (name types.NamespacedName, wanted Slot, found bool) {
	for i, namespace := range w.namespaces {
		j := slices.IndexFunc(namespace.issuers, func(line *issuerLine) bool { return free(line.slot) })
		if j < 0 {
			continue
		}
		line := namespace.issuers[j]
		name, line.names = line.names[0], line.names[1:]
		namespace.issuers = toEnd(namespace.issuers, j, len(line.names) > 0)
		w.namespaces = toEnd(w.namespaces, i, len(namespace.issuers) > 0)
		delete(w.known, name)
		return name, line.slot, true
	}
	return types.NamespacedName{}, Slot{}, false
}

// toEnd moves an element to the end of a line, or out of it if it does not stay.
func toEnd[T any](line []T, i int, stays bool) []T {
	moved := line[i]
	line = slices.Delete(line, i, i+1)
	if stays {
		line = append(line, moved)
	}
	return line
}
