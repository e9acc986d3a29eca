package https

import (
	"net/http"
	"strconv"
	"time"
)

// RetryAfter is what the header of that name asks for, in seconds or as a date (RFC 9110, 10.2.3); 0 for what is
// neither or is past. Seconds are at most those of a day.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	const day = 24 * time.Hour
	seconds, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, day)
}
