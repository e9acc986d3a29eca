// A module that breaks the rules in ways that the test of the rules must find.
module github.com/varmenne/varmenne-issuer

go 1.26.0
