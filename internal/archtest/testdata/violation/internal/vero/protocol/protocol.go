// Package protocol reaches for the network.
package protocol

import _ "net/http"
