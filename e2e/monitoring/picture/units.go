package picture

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// scale is a unit from a size on.
type scale struct {
	from   float64
	suffix string
}

// scales are those that a unit of Grafana chooses from, the largest first.
func scales(unit string) []scale {
	switch unit {
	case "s":
		return []scale{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}}
	case "bytes":
		return []scale{{1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}, {1, " B"}}
	case "d":
		return []scale{{1, " d"}}
	case "short":
		return []scale{{1e9, " Bil"}, {1e6, " Mil"}, {1e3, " K"}, {1, ""}}
	default:
		return []scale{{1, ""}}
	}
}

// format writes a value in a unit, with so many decimals, or as many as it takes to tell it from its neighbours.
func format(value float64, unit string, decimals *int) string {
	if unit == "dtdurations" {
		return age(time.Duration(value * float64(time.Second)))
	}
	all := scales(unit)
	chosen := all[len(all)-1]
	if value == 0 && unit == "s" {
		chosen = scale{1, " s"}
	}
	for _, candidate := range all {
		if math.Abs(value) >= candidate.from {
			chosen = candidate
			break
		}
	}
	return number(value/chosen.from, decimals) + chosen.suffix
}

func number(value float64, decimals *int) string {
	if decimals != nil {
		return strconv.FormatFloat(value, 'f', *decimals, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Max(math.Abs(value), 1))))
	text := strconv.FormatFloat(value, 'f', max(digits, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// age is a duration in its two largest units.
func age(duration time.Duration) string {
	const day = 24 * time.Hour
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		count := int(duration / unit.size)
		duration %= unit.size
		if count > 0 && len(parts) < 2 {
			parts = append(parts, plural(count, unit.name))
		}
	}
	if len(parts) == 0 {
		return "0 seconds"
	}
	return strings.Join(parts, ", ")
}

func plural(count int, noun string) string {
	if count != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", count, noun)
}
