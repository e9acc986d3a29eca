package client_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"mime/quotedprintable"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/varmenne/varmenne-issuer/internal/simulator/response"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// damaged is what becomes of a good response on its way.
type damaged func(writer http.ResponseWriter, good []byte)

func edited(edit func(good string) string) damaged {
	return func(writer http.ResponseWriter, good []byte) { reply(writer, xmlType, []byte(edit(string(good)))) }
}

func inFront(text string) damaged { return edited(func(good string) string { return text + good }) }

func behind(text string) damaged { return edited(func(good string) string { return good + text }) }

func withStatus(status int) damaged {
	return func(writer http.ResponseWriter, good []byte) {
		writer.Header().Set("Content-Type", xmlType)
		writer.WriteHeader(status)
		_, _ = writer.Write(good)
	}
}

func packed(encoding string, pack func(io.Writer) io.WriteCloser) damaged {
	return func(writer http.ResponseWriter, good []byte) {
		var buffer bytes.Buffer
		packer := pack(&buffer)
		_, _ = packer.Write(good)
		_ = packer.Close()
		if encoding != "" {
			writer.Header().Set("Content-Encoding", encoding)
		}
		reply(writer, xmlType, buffer.Bytes())
	}
}

func zipped(writer io.Writer) io.WriteCloser { return gzip.NewWriter(writer) }

func zlibbed(writer io.Writer) io.WriteCloser { return zlib.NewWriter(writer) }

func deflated(writer io.Writer) io.WriteCloser {
	packer, _ := flate.NewWriter(writer, flate.BestSpeed)
	return packer
}

func wide(order binary.AppendByteOrder, mark bool) damaged {
	return edited(func(good string) string {
		var text []byte
		if mark {
			text = order.AppendUint16(text, 0xFEFF)
		}
		for _, unit := range utf16.Encode([]rune(good)) {
			text = order.AppendUint16(text, unit)
		}
		return string(text)
	})
}

func cutAt(good []byte) []byte {
	front, _, _ := bytes.Cut(good, []byte("SignatureValue"))
	return front
}

// brokenOff ends the connection inside of the response, which has promised a length, or is chunked.
func brokenOff(length string) damaged {
	return func(writer http.ResponseWriter, good []byte) {
		writer.Header().Set("Content-Type", xmlType)
		if length == "whole" {
			length = strconv.Itoa(len(good))
		}
		if length != "" {
			writer.Header().Set("Content-Length", length)
		}
		_, _ = writer.Write(cutAt(good))
		_ = http.NewResponseController(writer).Flush()
		panic(http.ErrAbortHandler)
	}
}

// inPart puts a response into a part with a transfer encoding.
func inPart(encoding string, encode func([]byte) string) damaged {
	return func(writer http.ResponseWriter, good []byte) {
		reply(writer, `multipart/related; type="text/xml"; boundary=b`, []byte("--b\r\nContent-Type: text/xml\r\n"+
			"Content-Transfer-Encoding: "+encoding+"\r\n\r\n"+encode(good)+"\r\n--b--\r\n"))
	}
}

// wrapped is base64 in lines.
func wrapped(data []byte) string {
	var text strings.Builder
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(data)), 76) {
		text.Write(append(line, "\r\n"...))
	}
	return text.String()
}

func plain(data []byte) string { return string(data) }

func quoted(data []byte) string {
	var text strings.Builder
	writer := quotedprintable.NewWriter(&text)
	_, _ = writer.Write(data)
	_ = writer.Close()
	return text.String()
}

func brokenID(good []byte) string {
	return strings.Replace(string(good), answeredID, answeredID[:3]+"=\r\n"+answeredID[3:], 1)
}

const idElement = "<RetrievalId>" + answeredID + "</RetrievalId>"

var tooLong = "<RetrievalId>" + strings.Repeat("x", 33) + "</RetrievalId>"

func receipt(with string) damaged {
	return edited(func(good string) string { return strings.Replace(good, idElement, with, 1) + "<" })
}

// receipts are responses that cannot be relied on and hold a RetrievalId that can be read.
var receipts = map[string]damaged{
	"a byte order mark":               inFront("\xEF\xBB\xBF"),
	"an empty line in front":          inFront("\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>"),
	`encoding="utf8"`:                 inFront(`<?xml version="1.0" encoding="utf8"?>`),
	`encoding="ISO-8859-1"`:           inFront(`<?xml version="1.0" encoding="ISO-8859-1"?>`),
	"a document type":                 inFront("<!DOCTYPE html>"),
	"a processing instruction behind": behind("\n<?proxy via=\"x\"?>"),
	"NUL behind":                      behind("\x00"),
	"a page behind":                   behind("<html><p class='a>b'>it's<br></html>"),
	"the same once more":              edited(func(good string) string { return good + good }),
	"cut off in the Signature":        edited(func(good string) string { return string(cutAt([]byte(good))) }),
	"cut off in the tag behind the id": edited(func(good string) string {
		front, _, _ := strings.Cut(good, answeredID)
		return front + answeredID + "</Retr"
	}),
	"a connection that closes too early": brokenOff("whole"),
	"a far too large length":             brokenOff("104857600"),
	"a chunked response that breaks off": brokenOff(""),
	"100 MB":                             behind(strings.Repeat(" ", 2<<20)),
	"a wrong type":                       func(w http.ResponseWriter, good []byte) { reply(w, "text/html", good) },
	"gzip":                               packed("gzip", zipped),
	"gzip, and nobody says so":           packed("", zipped),
	"deflate with the frame of zlib":     packed("deflate", zlibbed),
	"deflate without":                    packed("Deflate", deflated),
	"gzip that is cut off": func(writer http.ResponseWriter, good []byte) {
		var buffer bytes.Buffer
		packer := gzip.NewWriter(&buffer)
		_, _ = packer.Write(good)
		_ = packer.Flush() // without its end
		reply(writer, xmlType, buffer.Bytes())
	},
	"deflate only by name": func(writer http.ResponseWriter, good []byte) {
		writer.Header().Set("Content-Encoding", "deflate")
		reply(writer, "text/plain", good)
	},
	"several parts":                      inPart("8bit", plain),
	"a part that is not in base64":       inPart("base64", plain),
	"a part in base64":                   inPart("base64", wrapped),
	"a part in quoted-printable":         inPart("Quoted-Printable", quoted),
	"an id that quoted-printable breaks": inPart("quoted-printable", brokenID),
	"a part in base64 that is cut off":   inPart("BASE64", func(g []byte) string { return wrapped(cutAt(g)) }),
	"one in quoted-printable, cut off":   inPart("quoted-printable", func(g []byte) string { return quoted(cutAt(g)) }),

	"HTTP 202": withStatus(202), "HTTP 203": withStatus(203), "HTTP 302": withStatus(302), "HTTP 404": withStatus(404),
	"HTTP 429": withStatus(429), "HTTP 500": withStatus(500), "HTTP 503": withStatus(503),
	"UTF-16":                         wide(binary.BigEndian, true),
	"UTF-16 backwards":               wide(binary.LittleEndian, true),
	"UTF-16 without a mark":          wide(binary.LittleEndian, false),
	"a prefix in upper case":         receipt(`<NS2:RetrievalId xmlns:NS2="x">` + answeredID + `</NS2:RetrievalId>`),
	"white space around the id":      receipt("<RetrievalId\n>\r\n\t" + answeredID + "\n </RetrievalId\n>"),
	"the id as CDATA":                receipt("<RetrievalId><![CDATA[" + answeredID + "]]></RetrievalId>"),
	"references and a comment":       receipt("<RetrievalId>&#x41;N&#083;<!-- - -->WERED</RetrievalId>"),
	"another one in a comment":       receipt("<!--<RetrievalId>OTHER</RetrievalId>-->" + idElement),
	"another one in CDATA":           receipt("<a><![CDATA[<RetrievalId>OTHER</RetrievalId>]]></a>" + idElement),
	"another one in an attribute":    receipt("<a b='<RetrievalId>OTHER</RetrievalId>' />" + idElement),
	"one in another RetrievalId":     receipt("<RetrievalId>" + idElement + "</RetrievalId>"),
	"an empty one, and one too long": receipt("<RetrievalId/>" + tooLong + idElement),
}

func TestAReceiptThatCanBeReadIsKeptWhateverIsWrongAroundIt(t *testing.T) {
	for claim, damage := range receipts {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			id, err := damagedResponse(t, damage)
			failure := find[*protocol.UnverifiedError](t, err, true)
			if id != "" || failure.RetrievalID != answeredID {
				t.Errorf("%q was believed, %q kept (%v)", id, failure.RetrievalID, err)
			}
			if failure.Damage() == nil || strings.Contains(err.Error(), "signature") {
				t.Errorf("it is no matter of the signature: %v", err)
			}
		})
	}
}

// damagedResponse is what a submission makes of it.
func damagedResponse(t *testing.T, damage damaged) (string, error) {
	t.Helper()
	f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) { damage(writer, f.good()) })
	return f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
}

func TestNoReceiptIsMadeOfWhatHoldsNone(t *testing.T) {
	for claim, damage := range map[string]damaged{
		"two that differ":                  receipt(idElement + "<RetrievalId>OTHER</RetrievalId>"),
		"another one in a second response": behind("<a><RetrievalId>OTHER</RetrievalId></a>"),
		"one by references that differs":   receipt(idElement + "<RetrievalId>&#89;</RetrievalId>"),
		"only one in a comment":            receipt("<!--" + idElement + "-->"),
		"only one in CDATA":                receipt("<a><![CDATA[" + idElement + "]]></a>"),
		"only one in an attribute":         receipt(`<a b="` + idElement + `"/>`),
		"only one that is escaped":         receipt("&lt;RetrievalId>" + answeredID + "&lt;/RetrievalId>"),
		"an entity":                        inFront(`<!DOCTYPE a [<!ENTITY b "c">]>`),
		"33 characters":                    receipt(tooLong),
		"markup inside":                    receipt("<RetrievalId>ANS<b/>WERED</RetrievalId>"),
		"white space inside":               receipt("<RetrievalId>ANS WERED</RetrievalId>"),
		"another end":                      receipt("<RetrievalId>" + answeredID + "</Other>"),
		"an id that may be cut off":        edited(func(g string) string { return g[:strings.Index(g, answeredID)+5] }),
		"a similar name":                   receipt("<RetrievalIds>" + answeredID + "</RetrievalIds>"),
		"a FAIL":                           receipt("<Result><Status>FAIL</Status></Result>" + idElement),
		"a Fault":                          receipt("<s:Fault>" + idElement + "</s:Fault>"),
		"an id behind the first MiB":       inFront(strings.Repeat(" ", 1<<20)),
		"one behind a MiB of nothing": packed("gzip", func(writer io.Writer) io.WriteCloser {
			packer := gzip.NewWriter(writer)
			_, _ = packer.Write(make([]byte, 1<<20))
			return packer
		}),
		"a FAIL in a part": func(writer http.ResponseWriter, good []byte) {
			inPart("base64", wrapped)(writer, append([]byte("<Status>FAIL</Status>"), good...))
		},
		"base64 that no part says it is": inPart("8bit", wrapped),
		"gzip that is none":              edited(func(string) string { return "\x1f\x8b" + idElement }),
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			_, err := damagedResponse(t, damage)
			if failure, is := errors.AsType[*protocol.UnverifiedError](err); err == nil || is {
				t.Errorf("error %v, kept %q", err, failure.RetrievalID)
			}
		})
	}
}

// What says that nothing was accepted is believed as far as before, whatever is written beside it.
func TestAForgedIDBesideARefusalChangesNothing(t *testing.T) {
	forged := bytes.Replace(response.Fault("Client", "no"), []byte("</faultcode>"), []byte("</faultcode>"+idElement), 1)
	for claim, test := range map[string]echo{
		"a signed FAIL": {
			inXML(func(string) string { return failure("PKI020", "no") + idElement }), refused(protocol.CodeCredentials),
		},
		"a Fault": {func(_ *testing.T, _ *fixture, writer http.ResponseWriter, _ string) {
			writer.WriteHeader(http.StatusInternalServerError)
			_, _ = writer.Write(forged)
		}, typed[*protocol.FaultError](false)},
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) { test.respond(t, f, writer, "") })
			_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, "s3cret"))
			test.check(t, err, "")
			if failure, is := errors.AsType[*protocol.UnverifiedError](err); is {
				t.Errorf("%q was kept", failure.RetrievalID)
			}
		})
	}
}

// A GetCertificate brings no receipt.
func TestOnlySubmissionsHaveReceipts(t *testing.T) {
	f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) { reply(writer, "text/html", f.good()) })
	_, err := f.client(t, 0).Get(t.Context(), get("unknown"))
	if _, is := errors.AsType[*protocol.UnverifiedError](err); err == nil || is {
		t.Errorf("error %v", err)
	}
}

func TestAnIDThatIsThePasswordIsNoReceipt(t *testing.T) {
	const password = "HUSHHUSH99"
	for claim, damage := range map[string]damaged{
		"as it is": withStatus(404), "compressed": packed("gzip", zipped),
		"in an unsigned response": edited(func(string) string {
			return string(render(response.Content{Operation: "SignNewCertificate", RetrievalID: password}, nil))
		}),
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(f *fixture, writer http.ResponseWriter, _ *http.Request) {
				damage(writer, bytes.ReplaceAll(f.good(), []byte(answeredID), []byte(password)))
			})
			_, err := f.client(t, 0).SignNew(t.Context(), signNew(t, password))
			failure, is := errors.AsType[*protocol.UnverifiedError](err)
			if err == nil || is && failure.RetrievalID != "" {
				t.Errorf("%q was kept (%v)", failure.RetrievalID, err)
			}
			checkSecret(t, err, password)
		})
	}
}

func TestACompressedBombTakesLittleMemory(t *testing.T) {
	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	filler := make([]byte, 1<<20)
	for range 24 {
		_, _ = packer.Write(filler)
	}
	_ = packer.Close()
	f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) { reply(writer, xmlType, bomb.Bytes()) })
	client, message := f.client(t, 0), signNew(t, "s3cret")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.SignNew(t.Context(), message)
	runtime.ReadMemStats(&after)
	want[*protocol.NotXMLError](t, err, true)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 8*xmlsig.MaximumBytes {
		t.Errorf("%d bytes were allocated", taken)
	}
}
