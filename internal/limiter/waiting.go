package limiter

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// waiting are those who want a slot: namespaces by the length of time for which none of theirs got one, in each the
// issuers likewise, and for each issuer the objects in order of arrival.
type waiting struct {
	namespaces []*namespaceLine
	// known are all objects that wait, and what for.
	known map[types.NamespacedName]Slot
}

type namespaceLine struct {
	namespace string
	issuers   []*issuerLine
}

type issuerLine struct {
	slot  Slot
	names []types.NamespacedName
}

// add puts an object at the end of its line, unless it is in it. One that was made anew for another issuer leaves that
// in which it was.
func (w *waiting) add(wanted Slot, name types.NamespacedName) {
	if in, known := w.known[name]; known {
		if in == wanted {
			return
		}
		w.remove(in, name)
	}
	if w.known == nil {
		w.known = map[types.NamespacedName]Slot{}
	}
	w.known[name] = wanted
	i, j := w.find(wanted)
	if i < 0 {
		i = len(w.namespaces)
		w.namespaces = append(w.namespaces, &namespaceLine{namespace: wanted.Namespace})
	}
	namespace := w.namespaces[i]
	if j < 0 {
		j = len(namespace.issuers)
		namespace.issuers = append(namespace.issuers, &issuerLine{slot: wanted})
	}
	namespace.issuers[j].names = append(namespace.issuers[j].names, name)
}

// remove takes an object out of its line.
func (w *waiting) remove(in Slot, name types.NamespacedName) {
	i, j := w.find(in)
	namespace := w.namespaces[i]
	line := namespace.issuers[j]
	line.names = slices.DeleteFunc(line.names, func(other types.NamespacedName) bool { return other == name })
	if len(line.names) == 0 {
		namespace.issuers = slices.Delete(namespace.issuers, j, j+1)
	}
	if len(namespace.issuers) == 0 {
		w.namespaces = slices.Delete(w.namespaces, i, i+1)
	}
	delete(w.known, name)
}

// find returns the places of a slot's namespace and of its issuer's line in that; -1 is none.
func (w *waiting) find(slot Slot) (namespace, issuer int) {
	namespace = slices.IndexFunc(w.namespaces, func(n *namespaceLine) bool { return n.namespace == slot.Namespace })
	if namespace < 0 {
		return -1, -1
	}
	return namespace, slices.IndexFunc(w.namespaces[namespace].issuers, func(i *issuerLine) bool { return i.slot == slot })
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
