package commands

import (
	"fmt"
	"strconv"
)

// number is a flag that takes a whole number from zero to another one.
type number struct{ value, most uint }

// Set implements pflag.Value.
func (n *number) Set(text string) error {
	const decimal, bits = 10, 32
	value, err := strconv.ParseUint(text, decimal, bits)
	if err != nil || uint(value) > n.most {
		return fmt.Errorf("write a whole number from 0 to %d", n.most)
	}
	n.value = uint(value)
	return nil
}

// String implements pflag.Value.
func (n *number) String() string { return strconv.FormatUint(uint64(n.value), 10) }

// Type implements pflag.Value.
func (*number) Type() string { return "number" }
