package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
)

// OtherAlternativeNames are the subject alternative names of a request for which crypto/x509 has no field, such as
// other names, each as hexadecimal DER; and what cannot be read of them.
func OtherAlternativeNames(extensions []pkix.Extension) []string {
	return otherNames(extensions, func(name asn1.RawValue) string { return "other:" + hex.EncodeToString(name.FullBytes) })
}

// WriteOtherNames are those of OtherAlternativeNames for people: an other name as OID=value, and as OID=#DER where its
// value is no text (RFC 4514, 2.4); of another form its name, and its DER.
func WriteOtherNames(extensions []pkix.Extension) []string {
	return otherNames(extensions, writeOtherName)
}

func otherNames(extensions []pkix.Extension, written func(asn1.RawValue) string) []string {
	const email, dns, uri, address = 1, 2, 6, 7 // tags of GeneralName
	var others []string
	for _, extension := range extensions {
		if !extension.Id.Equal(oidSubjectAltName) {
			continue
		}
		var names []asn1.RawValue
		rest, err := asn1.Unmarshal(extension.Value, &names)
		if err != nil || len(rest) > 0 {
			others = append(others, "unreadable:"+hex.EncodeToString(extension.Value))
			continue
		}
		for _, name := range names {
			if !slices.Contains([]int{email, dns, uri, address}, name.Tag) {
				others = append(others, written(name))
			}
		}
	}
	return others
}

func writeOtherName(name asn1.RawValue) string {
	var other struct {
		Kind  asn1.ObjectIdentifier
		Value asn1.RawValue // with its explicit tag
	}
	if rest, err := asn1.UnmarshalWithParams(name.FullBytes, &other, "tag:0"); err != nil || len(rest) > 0 {
		form := "name"
		if name.Tag < len(nameForms) {
			form = nameForms[name.Tag].name
		}
		return fmt.Sprintf("%s #%X", form, name.FullBytes)
	}
	var text string
	if rest, err := asn1.Unmarshal(other.Value.Bytes, &text); err == nil && len(rest) == 0 {
		return fmt.Sprintf("%s=%s", other.Kind, text)
	}
	return fmt.Sprintf("%s=#%X", other.Kind, other.Value.Bytes)
}
