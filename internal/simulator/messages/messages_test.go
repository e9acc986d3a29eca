package messages_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestTheCallsAreThoseOfTheDescription(t *testing.T) {
	w := start(t, admin.MessagesAccount{Events: 1})
	got := w.logIn(first)
	if got.status != 200 || got.text("token_type") != "Bearer" || got.fields["expires_in"] != 3600.0 ||
		got.fields["simulator"] == nil {
		t.Fatalf("a log-in gives %d %s", got.status, got.body)
	}
	token := got.text("access_token")
	credentials := map[string]string{"username": "nobody", "password": first}
	for claim, c := range map[string]struct {
		got    reply
		status int
		reason string
	}{
		"a wrong password is 400, not 401":    {w.logIn("wrong"), 400, incorrect},
		"an unknown user reads the same":      {w.call("POST", "/v1/token", "", credentials), 400, incorrect},
		"a field is missing":                  {w.call("POST", "/v1/token", "", `{"username":"x"}`), 400, "missing"},
		"no JSON":                             {w.call("POST", "/v1/token", "", "username=x"), 400, "JSON"},
		"another path":                        {w.call("POST", "/v1/tokens", "", credentials), 404, ""},
		"another method":                      {w.call("GET", "/v1/token", "", nil), 404, ""},
		"events with Bearer":                  {w.events("Bearer "+token, ""), 200, ""},
		"events with the bare token":          {w.events(token, ""), 200, ""},
		"events without a token":              {w.events("", ""), 401, "Invalid Access Token"},
		"a change with a token of nobody":     {w.change("x", first, password(1)), 400, "Invalid Access Token"},
		"a change with a wrong password":      {w.change(token, password(2), password(1)), 400, incorrect},
		"a change with the current password":  {w.change(token, first, first), 400, "previously been used"},
		"a change that the policy refuses":    {w.change(token, first, "Short-1"), 400, "did not conform with policy"},
		"a continuation token that is wrong":  {w.events(token, "?continuationToken=x"), 400, "continuationToken"},
		"a continuation token beyond the end": {w.events(token, "?continuationToken=ZXZlbnQ6Mg"), 400, "continuationToken"},
	} {
		w.want(claim, c.got, c.status, c.reason)
	}
	w.clock.Step(time.Hour)
	w.want("an expired token on events", w.events(token, ""), 401, "expired")
	w.want("an expired token on a change", w.change(token, first, password(1)), 400, "expired")
	if !w.works(first) || w.ledger().Applied != 0 {
		t.Error("what was refused has changed the password")
	}
}

func TestAChangeEndsTheOldPasswordAtOnce(t *testing.T) {
	for survive, status := range map[bool]int{false: http.StatusUnauthorized, true: http.StatusOK} {
		w := start(t, admin.MessagesAccount{TokensSurvive: survive, History: 3, HideLifetime: true})
		bodies := map[string]bool{}
		for number := range 4 {
			current := first
			if number > 0 {
				current = password(number - 1)
			}
			token := w.token(current)
			got := w.change(token, current, password(number))
			bodies[got.body] = true
			w.want("a change", got, 200, "")
			w.want("the old password", w.logIn(current), 400, incorrect)
			w.want("the old token", w.events(token, ""), status, "")
			w.want("the new password", w.events("bearer "+w.token(password(number)), ""), 200, "")
		}
		if !bodies[""] || !bodies["{}"] {
			t.Errorf("the bodies of changes are %v", bodies)
		}
		token := w.token(password(3))
		w.want("one of the last three", w.change(token, password(3), password(1)), 400, "previously been used")
		w.want("an older one", w.change(token, password(3), password(0)), 200, "")
		if _, known := w.logIn(password(0)).fields["expires_in"]; known {
			t.Error("the lifetime is there")
		}
	}
}

func TestThePolicySaysWhatItMisses(t *testing.T) {
	w := start(t, admin.MessagesAccount{ChangesPerHour: 100})
	token, good := w.token(first), "aB3$"+strings.Repeat("x", 28)
	for bad, reason := range map[string]string{
		good[:31]: "long enough", good + strings.Repeat("x", 225): "too long",
		strings.ReplaceAll(good, "$", `\`): "backslash",
		strings.ReplaceAll(good, "x", " "): "white space", strings.ToUpper(good): "lowercase",
		strings.ToLower(good): "uppercase", strings.ReplaceAll(good, "3", "x"): "numeric",
		strings.ReplaceAll(good, "$", "x"): "symbol",
	} {
		w.want(bad, w.change(token, first, bad), 400, "policy: Password")
		w.want(bad, w.change(token, first, bad), 400, reason)
	}
	w.want("a good one", w.change(token, first, good), 200, "")
}

func TestALockOutGrowsAndRefusesTheRightPassword(t *testing.T) {
	w := start(t, admin.MessagesAccount{})
	for range 5 {
		w.want("a wrong password", w.logIn("wrong"), 400, incorrect)
	}
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		shut := time.Duration(seconds) * time.Second
		locked := w.ledger().LockedUntil
		if locked == nil || locked.Sub(w.clock.Now()) != shut {
			t.Fatalf("locked until %v at %s, want %s", locked, w.clock.Now(), shut)
		}
		w.clock.Step(shut - 1)
		w.want("the right password in the lock", w.logIn(first), 400, incorrect)
		w.clock.Step(1)
		w.want("a wrong one after it", w.logIn("wrong"), 400, incorrect)
	}
	w.clock.Step(15 * time.Minute)
	w.token(first)
	if w.want("a wrong one after a right one", w.logIn("wrong"), 400, incorrect); w.ledger().LockedUntil != nil {
		t.Error("a log-in has not opened the lock")
	}
	for range 3 {
		w.logIn("wrong")
	}
	w.clock.Step(15 * time.Minute)
	if w.logIn("wrong"); w.ledger().LockedUntil != nil {
		t.Error("a quarter of an hour without a log-in does not count")
	}
}

func TestTooManyChangesAreRefusedForAWhile(t *testing.T) {
	w := start(t, admin.MessagesAccount{
		ChangesPerHour: 2, TokensSurvive: true, TokenLifetime: admin.Duration(48 * time.Hour),
	})
	token := w.token(first)
	w.want("the first", w.change(token, first, "bad"), 400, "policy")
	w.clock.Step(time.Minute)
	w.want("the second", w.change(token, first, password(1)), 200, "")
	w.want("the third", w.change(token, password(1), password(2)), 400, "Attempt limit exceeded")
	w.clock.Step(59 * time.Minute)
	w.want("an hour after the first", w.change(token, password(1), password(2)), 200, "")
}

func TestEventsComeInPages(t *testing.T) {
	w := start(t, admin.MessagesAccount{Events: 2001})
	token, query := "Bearer "+w.token(first), ""
	for page, length := range []int{1000, 1000, 1, 0} {
		got := w.events(token, query)
		listed, _ := got.fields["events"].([]any)
		if got.status != 200 || len(listed) != length {
			t.Fatalf("page %d: %d with %d events, want %d", page, got.status, len(listed), length)
		}
		query = "?continuationToken=" + got.text("continuationToken")
	}
}

func TestAChangeThatComesLateIsMadeOnlyWhereItStillFits(t *testing.T) {
	postponed := admin.MessagesFault{Kind: admin.MessagesLater, After: admin.Duration(5 * time.Minute)}
	for claim, c := range map[string]struct {
		between func(w *world, token string)
		want    string
	}{
		"nothing else happens": {func(*world, string) {}, password(1)},
		"it is sent again":     {func(w *world, token string) { w.change(token, first, password(1)) }, password(1)},
		"somebody changes it first": {
			func(w *world, _ string) { _ = w.service.SetPassword(systemID, password(2)) }, password(2),
		},
	} {
		t.Run(claim, func(t *testing.T) {
			w := start(t, admin.MessagesAccount{})
			token := w.token(first)
			w.script(postponed)
			w.want("a change that is not made", w.change(token, first, "bad"), 400, "policy")
			if got := w.change(token, first, password(1)); got.status != 0 || !w.works(first) {
				t.Fatalf("answered %d, or made at once", got.status)
			}
			c.between(w, token)
			w.clock.Step(5 * time.Minute)
			if !w.works(c.want) {
				t.Errorf("the password is another one: %+v", w.ledger())
			}
			if left := w.service.Faults(); len(left) != 0 {
				t.Errorf("left in the script: %v", left)
			}
		})
	}
}

func TestARefusedValueStaysRefusedAndAnotherOneIsTaken(t *testing.T) {
	w := start(t, admin.MessagesAccount{})
	w.script(admin.MessagesFault{Kind: admin.MessagesPolicy})
	token := w.token(first)
	for range 3 {
		w.want("the value that a fault has hit", w.change(token, first, password(1)), 400, "policy")
	}
	w.want("another one", w.change(token, first, password(2)), 200, "")
}

func TestTheLedgerCountsAndHoldsNoPassword(t *testing.T) {
	w := start(t, admin.MessagesAccount{})
	w.logIn("wrong")
	w.clock.Step(59 * time.Minute)
	w.logIn("wrong")
	w.clock.Step(time.Minute)
	w.logIn("wrong as well")
	token := w.token(first)
	w.change(token, first, "bad")
	w.change(token, first, "bad")
	w.change(token, first, password(1))
	if err := w.service.SetPassword(systemID, password(2)); err != nil {
		t.Fatal(err)
	}
	w.script(admin.MessagesFault{Kind: admin.MessagesChanged, Password: password(3)})
	ledger := w.ledger()
	for _, password := range []string{first, password(1), "bad"} {
		if w.works(password) {
			t.Errorf("%s works", password)
		}
	}
	if ledger.OK != 1 || ledger.Failed != 3 || ledger.MostFailedInAnHour != 2 || ledger.Applied != 2 ||
		ledger.DistinctNew != 2 || len(ledger.LogIns) != 4 || len(ledger.Changes) != 4 {
		t.Errorf("counted %+v", ledger)
	}
	verdict, err := w.service.Verify(systemID, "wrong")
	if err != nil || ledger.LogIns[0].Password != verdict.Digest || ledger.LogIns[1].Password != verdict.Digest ||
		ledger.LogIns[2].Password == verdict.Digest {
		t.Errorf("digests cannot be compared: %v", err)
	}
	shown, err := json.Marshal(map[string]any{"ledger": ledger, "faults": w.service.Faults(), "log": w.log.String()})
	if err != nil {
		t.Fatal(err)
	}
	fault := admin.MessagesFault{Password: password(3)}
	printed := string(shown) + fmt.Sprintf("%v %+v %#v", fault, fault, admin.MessagesAccount{Password: first})
	for _, hidden := range []string{first, password(1), password(2), password(3), "wrong as well", token} {
		if strings.Contains(printed, hidden) {
			t.Errorf("%s is shown in %s", hidden, printed)
		}
	}
}

func TestAFaultOrAnAccountThatMakesNoSenseIsRefused(t *testing.T) {
	for claim, fault := range map[string]admin.MessagesFault{
		"an unknown kind":                {Kind: "surprise"},
		"an unknown operation":           {Kind: admin.MessagesSlow, Operation: "messages"},
		"a lock-out of events":           {Kind: admin.MessagesLockOut, Operation: admin.MessagesEvents},
		"less than nothing":              {Kind: admin.MessagesSlow, Count: -1},
		"a status that is no error":      {Kind: admin.MessagesHTTPStatus, Status: 200},
		"more than all":                  {Kind: admin.MessagesSlow, Probability: 101},
		"somebody without a password":    {Kind: admin.MessagesChanged},
		"a password that nobody needs":   {Kind: admin.MessagesSlow, Password: "x"},
		"a time that runs the wrong way": {Kind: admin.MessagesLater, After: -1},
	} {
		if fault.Validate() == nil {
			t.Errorf("%s is taken", claim)
		}
	}
	w := start(t, admin.MessagesAccount{})
	for _, account := range []admin.MessagesAccount{
		{SystemID: systemID, Password: "x"}, {SystemID: "x"}, {Password: "x"}, {SystemID: "x", Password: "x", History: 25},
		{SystemID: "x", Password: "x", LockAfter: -1}, {SystemID: "x", Password: "x", Events: -1},
		{SystemID: "x", Password: strings.Repeat("x", 257)},
	} {
		if _, err := w.service.Create(account); err == nil {
			t.Errorf("%s is made", account)
		}
	}
	kinds := admin.MessagesFaultKinds()
	if slices.Sort(kinds); len(slices.Compact(kinds)) != len(admin.MessagesFaultKinds()) {
		t.Error("a kind is listed twice")
	}
}
