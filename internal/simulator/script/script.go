// Package script decides which of the calls to a simulated service a fault strikes: how many, for how long, and with
// what probability. What a fault does is its service's business.
package script

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maximumFaults is how many faults can be scripted at a time.
const maximumFaults = 1000

// Terms say which calls a fault strikes.
type Terms struct {
	// ID is given by Add.
	ID string
	// Count is how many calls may still be hit; it counts down. 0 in Add means 1, or no limit when ForDuration is set.
	Count int
	// ForDuration ends the fault that long after it was scripted; 0 means never.
	ForDuration time.Duration
	// ExpiresAt is when that is; set by Add.
	ExpiresAt *time.Time
	// Probability is the percentage of calls that are hit, of those that fit; 0 means all.
	Probability int
	// Hits is how many calls were hit.
	Hits int
}

// Entry is a fault of the script, with its terms as they stand.
type Entry[F any] struct {
	Fault F
	Terms Terms
	// limited is false for a fault that only its time ends.
	limited bool
}

// Script is the faults of one service. The first that fits a call hits it.
type Script[F any] struct {
	// Roll gives a number from 0 to 99.
	Roll func() int

	mutex    sync.Mutex
	scripted []*Entry[F]
	last     int
}

// Add scripts a fault, and returns its terms, completed. It fails when too many are scripted already.
func (s *Script[F]) Add(fault F, terms Terms, now time.Time) (Terms, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forget(now)
	if len(s.scripted) >= maximumFaults {
		return Terms{}, errors.New("1000 faults are scripted already; clear them by DELETE")
	}
	s.last++
	terms.ID, terms.Hits, terms.ExpiresAt = strconv.Itoa(s.last), 0, nil
	if terms.ForDuration > 0 {
		end := now.Add(terms.ForDuration)
		terms.ExpiresAt = &end
	} else {
		terms.Count = max(terms.Count, 1)
	}
	s.scripted = append(s.scripted, &Entry[F]{Fault: fault, Terms: terms, limited: terms.Count > 0})
	return terms, nil
}

// List gives the faults that can still hit a call.
func (s *Script[F]) List(now time.Time) []Entry[F] {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forget(now)
	listed := make([]Entry[F], 0, len(s.scripted))
	for _, entry := range s.scripted {
		listed = append(listed, *entry)
	}
	return listed
}

// Clear removes every fault.
func (s *Script[F]) Clear() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.scripted = nil
}

// Hit is a fault that hits one call.
type Hit[F any] struct {
	// Fault is the fault as it was at that moment.
	Fault F
	// source is the fault in the script, for GiveBack.
	source *Entry[F]
}

// Take finds the fault that hits a call, and counts the hit; nil means that the call goes well.
func (s *Script[F]) Take(fits func(F) bool, now time.Time) *Hit[F] {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forget(now)
	for _, entry := range s.scripted {
		if !fits(entry.Fault) || entry.Terms.Probability > 0 && s.Roll() >= entry.Terms.Probability {
			continue
		}
		entry.Terms.Hits++
		if entry.limited {
			entry.Terms.Count--
		}
		return &Hit[F]{Fault: entry.Fault, source: entry}
	}
	return nil
}

// GiveBack takes a hit back: the fault had nothing to act on.
func (s *Script[F]) GiveBack(struck *Hit[F]) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	entry := struck.source
	entry.Terms.Hits--
	if entry.limited {
		entry.Terms.Count++
		if !slices.Contains(s.scripted, entry) {
			s.scripted = append([]*Entry[F]{entry}, s.scripted...)
		}
	}
}

// forget drops the faults that are over. The mutex is held.
func (s *Script[F]) forget(now time.Time) {
	s.scripted = slices.DeleteFunc(s.scripted, func(entry *Entry[F]) bool {
		over := entry.Terms.ExpiresAt != nil && !now.Before(*entry.Terms.ExpiresAt)
		return entry.limited && entry.Terms.Count == 0 || over
	})
}
