package simulator

import (
	"bytes"
	"embed"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

// schema holds the service's description and its schemas.
//
//go:embed schema
var schema embed.FS

// publishedLocation is the address that the WSDL names; it is replaced by the simulator's own.
const publishedLocation = "https://pkiws-testi.vero.fi" + protocol.Path

// describeService serves ?wsdl and ?xsd=NAME.
func (s *Simulator) describeService(writer http.ResponseWriter, incoming *http.Request) {
	name := ""
	query := incoming.URL.Query()
	if query.Has("wsdl") {
		name = "CertificateServices.wsdl"
	} else if query.Has("xsd") {
		name = query.Get("xsd")
	}
	known := name == "CertificateServices.wsdl" || name == "CertificateServices.xsd" || name == "xmldsig-core-schema.xsd"
	if !known {
		s.refuse(writer, incoming, http.StatusNotFound, "the queries are ?wsdl and ?xsd=CertificateServices.xsd")
		return
	}
	document, err := schema.ReadFile("schema/" + name)
	if err != nil {
		s.refuse(writer, incoming, http.StatusInternalServerError, err.Error())
		return
	}
	writer.Header().Set("Content-Type", protocol.ContentType)
	_, _ = writer.Write(relocate(document, incoming.Host))
}

// relocate makes the addresses in a description point to this simulator, under the host that the client asked.
func relocate(document []byte, host string) []byte {
	var location strings.Builder
	// Writing to a strings.Builder does not fail.
	_ = xml.EscapeText(&location, []byte("https://"+host+protocol.Path))
	own := []byte(location.String())
	document = bytes.ReplaceAll(document, []byte(publishedLocation), own)
	for _, name := range []string{"CertificateServices.xsd", "xmldsig-core-schema.xsd"} {
		document = bytes.ReplaceAll(document, []byte(`schemaLocation="`+name+`"`),
			[]byte(`schemaLocation="`+string(own)+"?xsd="+name+`"`))
	}
	return document
}
