package xmlsig

import (
	"strings"

	"github.com/beevik/etree"
)

// startTag writes the canonical start tag of element, with the declarations and attributes chosen for it.
func (c *canonicaliser) startTag(element *etree.Element) {
	c.output = append(c.output, '<')
	c.name(element.Space, element.Tag)
	for _, declared := range c.namespaces {
		c.output = append(c.output, ' ')
		if declared.prefix == "" {
			c.name("", xmlnsPrefix)
		} else {
			c.name(xmlnsPrefix, declared.prefix)
		}
		c.value(declared.namespace)
	}
	for _, attribute := range c.attributes {
		c.output = append(c.output, ' ')
		c.name(attribute.Space, attribute.Key)
		c.value(attribute.Value)
	}
	c.output = append(c.output, '>')
}

func (c *canonicaliser) name(prefix, local string) {
	if prefix != "" {
		c.output = append(append(c.output, prefix...), ':')
	}
	c.output = append(c.output, local...)
}

func (c *canonicaliser) value(value string) {
	c.output = append(c.output, `="`...)
	c.escape(value, "&<\"\t\n\r")
	c.output = append(c.output, '"')
}

func (c *canonicaliser) text(text string) { c.escape(text, "&<>\r") }

// escape writes a value with the special characters in it replaced.
func (c *canonicaliser) escape(value, special string) {
	for {
		index := strings.IndexAny(value, special)
		if index < 0 {
			c.output = append(c.output, value...)
			return
		}
		c.output = append(c.output, value[:index]...)
		switch value[index] {
		case '&':
			c.output = append(c.output, "&amp;"...)
		case '<':
			c.output = append(c.output, "&lt;"...)
		case '>':
			c.output = append(c.output, "&gt;"...)
		case '"':
			c.output = append(c.output, "&quot;"...)
		case '\t':
			c.output = append(c.output, "&#x9;"...)
		case '\n':
			c.output = append(c.output, "&#xA;"...)
		case '\r':
			c.output = append(c.output, "&#xD;"...)
		}
		value = value[index+1:]
	}
}
