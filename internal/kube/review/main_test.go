package review_test

import (
	"os"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/apitest"
)

var server *apitest.Server

func TestMain(m *testing.M) { os.Exit(apitest.Main(m, &server)) }
