// Command program calls one function of a module and not the others.
package main

import "github.com/blang/semver/v4"

func main() {
	if _, err := semver.Parse("1.2.3"); err != nil {
		panic(err)
	}
}
