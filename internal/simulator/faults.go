package simulator

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

// maximumFaults is how many faults can be scripted at a time.
const maximumFaults = 1000

// scriptedFault is a fault and how many calls it may still hit.
type scriptedFault struct {
	admin.Fault

	// limited is false for a fault that only its time ends.
	limited bool
}

// faults is the script of misbehavior. The first fault that fits a call hits it.
type faults struct {
	mutex    sync.Mutex
	scripted []*scriptedFault
	last     int
	// roll gives a number from 0 to 99.
	roll func() int
}

// add scripts a fault that has passed Validate, and completes its fields.
func (f *faults) add(fault admin.Fault, now time.Time) (admin.Fault, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.forget(now)
	if len(f.scripted) >= maximumFaults {
		return admin.Fault{}, errors.New("1000 faults are scripted already; clear them with DELETE /faults")
	}
	f.last++
	fault.ID = strconv.Itoa(f.last)
	fault.Hits = 0
	fault.ExpiresAt = nil
	if fault.ForDuration > 0 {
		end := now.Add(time.Duration(fault.ForDuration))
		fault.ExpiresAt = &end
	} else {
		fault.Count = max(fault.Count, 1)
	}
	f.scripted = append(f.scripted, &scriptedFault{Fault: fault, limited: fault.Count > 0})
	return fault, nil
}

// list gives the faults that can still hit a call.
func (f *faults) list(now time.Time) []admin.Fault {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.forget(now)
	listed := make([]admin.Fault, 0, len(f.scripted))
	for _, fault := range f.scripted {
		listed = append(listed, fault.Fault)
	}
	return listed
}

func (f *faults) clear() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.scripted = nil
}

// hit is a fault that hits one call.
type hit struct {
	// fault is the fault as it was at that moment.
	fault admin.Fault
	// source is the fault in the script, for giveBack.
	source *scriptedFault
}

// take finds the fault that hits a call, and counts the hit; nil means that the call goes well.
func (f *faults) take(operation protocol.Operation, now time.Time) *hit {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.forget(now)
	for _, fault := range f.scripted {
		if !fault.fits(operation) || fault.Probability > 0 && f.roll() >= fault.Probability {
			continue
		}
		fault.Hits++
		if fault.limited {
			fault.Count--
		}
		return &hit{fault: fault.Fault, source: fault}
	}
	return nil
}

// giveBack takes a hit back: the fault had nothing to act on.
func (f *faults) giveBack(struck *hit) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	fault := struck.source
	fault.Hits--
	if fault.limited {
		fault.Count++
		if !slices.Contains(f.scripted, fault) {
			f.scripted = append([]*scriptedFault{fault}, f.scripted...)
		}
	}
}

// forget drops the faults that are over. The mutex is held.
func (f *faults) forget(now time.Time) {
	f.scripted = slices.DeleteFunc(f.scripted, func(fault *scriptedFault) bool {
		return fault.limited && fault.Count == 0 || fault.ExpiresAt != nil && !now.Before(*fault.ExpiresAt)
	})
}

func (f *scriptedFault) fits(operation protocol.Operation) bool {
	if f.Kind == admin.WrongCertificate && operation != protocol.GetCertificate {
		return false
	}
	return f.Operation == "" || f.Operation == string(operation)
}
