module example.com/program

go 1.26.0

require github.com/blang/semver/v4 v4.0.0
