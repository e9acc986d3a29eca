package simulator

import (
	"slices"
	"strconv"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestTheOldestEntriesAreForgotten(t *testing.T) {
	kept := newBounded[int](3)
	for number := range 10 {
		kept.put(strconv.Itoa(number), number)
	}
	if got := kept.all(); !slices.Equal(got, []int{7, 8, 9}) || len(kept.values) != 3 {
		t.Errorf("kept %v of %d values", got, len(kept.values))
	}
	if _, found := kept.get("6"); found {
		t.Error("a forgotten entry is found")
	}
}

func TestTheRequestLogIsBounded(t *testing.T) {
	var log requestLog
	for number := range maximumRequests + 5 {
		log.add(admin.Request{TransferID: strconv.Itoa(number)})
	}
	if listed := log.list("", ""); len(listed) != maximumRequests || listed[0].TransferID != "5" {
		t.Errorf("%d entries from %s", len(listed), listed[0].TransferID)
	}
}
