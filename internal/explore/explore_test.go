package explore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/explore"
)

// jugs is the puzzle of two jugs, of three and five litres, one of which shall never hold some amount.
type jugs struct{ never int }

type filled struct{ small, large int }

var errMeasured = errors.New("measured")

func (jugs) Key(f filled) explore.Key { return explore.KeyOf(fmt.Append(nil, f)) }

func (jugs) Steps(f filled) []explore.Step[filled] {
	const small, large = 3, 5
	to, from := min(f.small, large-f.large), min(f.large, small-f.small)
	return []explore.Step[filled]{
		{How: "fill the small one", State: filled{small, f.large}},
		{How: "fill the large one", State: filled{f.small, large}},
		{How: "empty the small one", State: filled{0, f.large}},
		{How: "empty the large one", State: filled{f.small, 0}},
		{How: "pour into the large one", State: filled{f.small - to, f.large + to}},
		{How: "pour into the small one", State: filled{f.small + from, f.large - from}},
	}
}

func (j jugs) Check(f filled) error {
	if f.large == j.never {
		return errMeasured
	}
	return nil
}

func TestTheShortestHistoryIsFound(t *testing.T) {
	for _, workers := range []int{1, 3} {
		result := explore.Search(jugs{never: 4}, filled{}, 10, workers)
		want := []string{
			"fill the large one", "pour into the small one", "empty the small one", "pour into the small one",
			"fill the large one", "pour into the small one",
		}
		if !errors.Is(result.Err, errMeasured) || !slices.Equal(result.History, want) {
			t.Errorf("with %d workers: %v after %q", workers, result.Err, result.History)
		}
	}
}

func TestEveryStateIsVisitedOnce(t *testing.T) {
	for _, workers := range []int{1, 3} {
		all := explore.Search(jugs{never: -1}, filled{}, 100, workers)
		if all.States != 16 || !all.Complete || all.Depth != 7 || all.Err != nil {
			t.Errorf("with %d workers: %+v", workers, all)
		}
		some := explore.Search(jugs{never: -1}, filled{}, 2, workers)
		if some.States != 6 || some.Complete || some.Depth != 2 {
			t.Errorf("with %d workers up to 2: %+v", workers, some)
		}
	}
}

// brittle breaks on the way from one state to another.
type brittle struct{ jugs }

func (b brittle) Steps(f filled) []explore.Step[filled] {
	steps := b.jugs.Steps(f)
	if f.large == 5 {
		steps[3].Err = errMeasured
	}
	return steps
}

func TestAStepThatBreaksIsTheLastOneOfTheHistory(t *testing.T) {
	result := explore.Search(brittle{jugs{never: -1}}, filled{}, 10, 2)
	if want := []string{"fill the large one", "empty the large one"}; !slices.Equal(result.History, want) ||
		!errors.Is(result.Err, errMeasured) {
		t.Errorf("%v after %q", result.Err, result.History)
	}
}
