// Package explore visits, breadth first, every state that a model can come to, and finds the shortest history that
// breaks what must always hold. It is for tests.
package explore

import (
	"crypto/sha256"
	"slices"
	"sync"
)

// Key stands for a state: two states with one key have the same future.
type Key [16]byte

// KeyOf is the key of a state that is written down.
func KeyOf(state []byte) Key {
	sum := sha256.Sum256(state)
	return Key(sum[:])
}

// Step is one thing that can happen in a state.
type Step[S any] struct {
	// How says what happens, for who reads the history.
	How string
	// State is what it leads to.
	State S
	// Err is what must not happen and has happened in the course of it; nil mostly.
	Err error
}

// Model is what is explored. Its functions are called at the same time for different states, and change none.
type Model[S any] interface {
	// Key of a state.
	Key(state S) Key
	// Steps that can be taken in a state, always in the same order.
	Steps(state S) []Step[S]
	// Check is what does not hold in a state; nil if everything does.
	Check(state S) error
}

// Result is what a search has come to.
type Result struct {
	// States is how many were visited, Depth how many steps the last of them is away from the start.
	States, Depth int
	// Complete reports whether there are no others.
	Complete bool
	// Err is the first thing that does not hold, and History the steps that lead to it: none are fewer.
	Err     error
	History []string
}

// origin is how a state was first reached: by which step of which other state.
type origin struct {
	from, step uint32
}

// reached is a state of which the steps have not been taken yet.
type reached[S any] struct {
	number uint32
	state  S
}

// search remembers of a state its key and where it came from, and keeps whole only the states at the rim.
type search[S any] struct {
	model   Model[S]
	start   S
	workers int
	known   map[Key]struct{}
	origins []origin
}

// chunk is how many states are expanded before their successors are compared with what is known: what they are
// compared from has to fit into memory.
const chunk = 512

// Search visits all states up to a depth with a number of workers, of which the result does not depend.
func Search[S any](model Model[S], start S, depth, workers int) Result {
	s := &search[S]{
		model: model, start: start, workers: workers,
		known: map[Key]struct{}{model.Key(start): {}}, origins: []origin{{}},
	}
	rim := []reached[S]{{state: start}}
	result := Result{Err: model.Check(start)}
	for result.Err == nil && result.Depth < depth && !result.Complete {
		var next []reached[S]
		known, last := len(s.origins), result.Depth+1 == depth
		for some := range slices.Chunk(rim, chunk) {
			found, history, err := s.expand(some)
			if err != nil {
				return Result{States: len(s.origins), Depth: len(history), Err: err, History: history}
			}
			if clear(some); !last { // the outermost rim is the largest, and nothing is to be done with it
				next = append(next, found...)
			}
		}
		rim, result.Complete = next, len(s.origins) == known
		if !result.Complete {
			result.Depth++
		}
	}
	result.States = len(s.origins)
	return result
}

// expand takes all steps of some states, and returns those that lead to states which nothing has led to before.
func (s *search[S]) expand(some []reached[S]) (found []reached[S], history []string, err error) {
	steps, keys := make([][]Step[S], len(some)), make([][]Key, len(some))
	s.each(len(some), func(i int) {
		steps[i] = s.model.Steps(some[i].state)
		keys[i] = make([]Key, len(steps[i]))
		for j := range steps[i] {
			if steps[i][j].Err == nil {
				keys[i][j] = s.model.Key(steps[i][j].State)
			}
		}
	})
	for i := range some {
		for j := range steps[i] {
			if err := steps[i][j].Err; err != nil {
				return nil, append(s.history(some[i].number), steps[i][j].How), err
			}
			if _, known := s.known[keys[i][j]]; known {
				continue
			}
			s.known[keys[i][j]] = struct{}{}
			found = append(found, reached[S]{uint32(len(s.origins)), steps[i][j].State}) //nolint:gosec // memory ends before
			s.origins = append(s.origins, origin{some[i].number, uint32(j)})
		}
	}
	broken := make([]error, len(found))
	s.each(len(found), func(i int) { broken[i] = s.model.Check(found[i].state) })
	for i := range broken {
		if broken[i] != nil {
			return nil, s.history(found[i].number), broken[i]
		}
	}
	return found, nil, nil
}

// each calls a function for numbers below a bound, by all workers.
func (s *search[S]) each(bound int, do func(int)) {
	var workers sync.WaitGroup
	for first := range s.workers {
		workers.Go(func() {
			for i := first; i < bound; i += s.workers {
				do(i)
			}
		})
	}
	workers.Wait()
}

// history takes the steps once more that lead to a state, to tell them.
func (s *search[S]) history(number uint32) []string {
	var taken []uint32
	for ; number != 0; number = s.origins[number].from {
		taken = append(taken, s.origins[number].step)
	}
	state, history := s.start, make([]string, 0, len(taken)+1)
	for _, step := range slices.Backward(taken) {
		next := s.model.Steps(state)[step]
		state, history = next.State, append(history, next.How)
	}
	return history
}
