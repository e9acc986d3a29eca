package messages

import "time"

// longestLock is how long a lock-out grows, and how long nobody may try for it to be forgotten.
const longestLock = 15 * time.Minute

// lock counts failed log-ins. What is tried while it is shut counts for nothing.
type lock struct {
	// after is how many failures shut it.
	after  int
	failed int
	until  time.Time
	// tried is when somebody tried last.
	tried time.Time
}

// shut reports whether every log-in is refused at a time, and notes that somebody tries.
func (l *lock) shut(now time.Time) bool {
	if now.Sub(l.tried) >= longestLock && !now.Before(l.until) {
		l.failed = 0
	}
	l.tried = now
	return now.Before(l.until)
}

// fail counts a wrong password: from one number on, each shuts the lock for twice as long as the one before.
func (l *lock) fail(now time.Time) {
	l.failed++
	if more := l.failed - l.after; more >= 0 {
		l.until = now.Add(min(time.Second<<min(more, 20), longestLock))
	}
}

// open forgets what has failed.
func (l *lock) open() { l.failed, l.until = 0, time.Time{} }
