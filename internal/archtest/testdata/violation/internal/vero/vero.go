// Package vero reaches for the network.
package vero

import _ "net/http"
