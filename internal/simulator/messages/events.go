package messages

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pageLength is how many events a response has at most.
const pageLength = 1000

// fetch answers with the events from a continuation token on, the first ones without it.
func (c *call) fetch(a *account, now time.Time) {
	if problem := a.find(c.authorization()).problem(now); problem != "" {
		c.refuse(http.StatusUnauthorized, problem)
		return
	}
	first, err := position(c.incoming.URL.Query().Get("continuationToken"), a.settings.Events)
	if err != nil {
		c.refuse(http.StatusBadRequest, err.Error())
		return
	}
	end := min(first+pageLength, a.settings.Events)
	events := make([]map[string]any, 0, end-first)
	for number := first + 1; number <= end; number++ {
		events = append(events, map[string]any{
			"type": "Electronic message read", "eventTime": a.since.UTC().Format(time.RFC3339),
			"metadata": map[string]any{"messageId": number, "externalId": fmt.Sprintf("message-%d", number)},
		})
	}
	c.prepare(http.StatusOK, map[string]any{"continuationToken": continuation(end), "events": events})
}

// continuation is the token of a position among the events.
func continuation(position int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("event:" + strconv.Itoa(position)))
}

// position is that of a continuation token; 0 for none.
func position(token string, events int) (int, error) {
	if token == "" {
		return 0, nil
	}
	content, _ := base64.RawURLEncoding.DecodeString(token)
	known, err := strconv.Atoi(strings.TrimPrefix(string(content), "event:"))
	if err != nil || token != continuation(known) || known < 0 || known > events {
		return 0, errors.New("the continuationToken is none of this API")
	}
	return known, nil
}
