package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// dialect is the newest one that every Helm of version 3 understands.
const dialect = "http://json-schema.org/draft-07/schema#"

// object is a schema, or a part of one.
type object = map[string]any

// types are names for what is needed more than once, used like the types of JSON schema.
var types = map[string]object{
	// duration is one of Go, such as 1h30m.
	"duration": {"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`},
	// interval is a duration of Prometheus, such as 1m30s.
	"interval": {"type": "string", "pattern": `^([0-9]+(ms|s|m|h))+$`},
	"port":     {"type": "integer", "minimum": 1, "maximum": 65535},
}

// Generate returns the schema of values. It fails where neither default nor annotation say what is allowed.
func Generate(values []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(values, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("there are no values")
	}
	schema, err := ofMapping(document.Content[0], "")
	if err != nil {
		return nil, err
	}
	schema["$schema"] = dialect
	addForParents(schema)
	var output bytes.Buffer
	encoder := json.NewEncoder(&output)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(schema)
	return output.Bytes(), err
}

// addForParents allows what a chart that depends on this one may set, and no template here reads. Below global it has
// values for its other parts.
func addForParents(schema object) {
	properties, _ := schema["properties"].(object)
	if global, ok := properties["global"].(object); ok {
		global["additionalProperties"] = true
		required, _ := schema["required"].([]string)
		schema["required"] = slices.DeleteFunc(required, func(name string) bool { return name == "global" })
	} else {
		properties["global"] = object{"type": "object"}
	}
	properties["enabled"] = object{"type": "boolean", "description": "A condition of the chart that depends on this one."}
}

// ofMapping describes a map with a fixed set of keys. A key that the templates take for granted is missing where a user
// sets it to null, which takes the default away, and where `helm upgrade --reuse-values` brings the defaults of a chart
// that did not have it.
func ofMapping(node *yaml.Node, path string) (object, error) {
	properties := object{}
	var required []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		property, err := ofValue(key, value, path+"."+key.Value)
		if err != nil {
			return nil, err
		}
		properties[key.Value] = property
		if isNeeded(value, property) {
			required = append(required, key.Value)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema, nil
}

// isNeeded reports whether the templates cannot do without a value: a map with a fixed set of keys, or one that is
// neither empty by default nor may be null.
func isNeeded(value *yaml.Node, schema object) bool {
	switch value.Kind {
	case yaml.MappingNode:
		return schema["properties"] != nil
	case yaml.ScalarNode:
		_, oneType := schema["type"].(string)
		return oneType && !slices.Contains([]string{"", "false", "0"}, value.Value)
	default:
		return false
	}
}

// ofValue describes a value by its default, its comment and its annotation.
func ofValue(key, value *yaml.Node, path string) (object, error) {
	comment, err := parseComment(key.HeadComment)
	if err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", key.Line, path, err)
	}
	schema, err := ofDefault(value, path, comment.schema)
	if err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", key.Line, path, err)
	}
	maps.Copy(schema, comment.schema)
	expandTypes(schema)
	if comment.description != "" {
		schema["description"] = comment.description
	} else if value.Kind != yaml.MappingNode || len(comment.schema) > 0 {
		return nil, fmt.Errorf("line %d: %s: a comment that begins with `# --` has to describe it", key.Line, path)
	}
	return schema, nil
}

// ofDefault describes what the default shows.
func ofDefault(value *yaml.Node, path string, annotation object) (object, error) {
	switch {
	case value.Kind == yaml.MappingNode && annotation["additionalProperties"] != nil:
		return object{"type": "object"}, nil
	case value.Kind == yaml.MappingNode && len(value.Content) > 0:
		return ofMapping(value, path)
	case value.Kind == yaml.MappingNode:
		return nil, errors.New("say what the empty map may hold: `# @schema {additionalProperties: …}`")
	case value.Kind == yaml.SequenceNode && annotation["items"] == nil:
		return nil, errors.New("say what the list may hold: `# @schema {items: …}`")
	case value.Kind == yaml.SequenceNode:
		return object{"type": "array"}, nil
	}
	switch value.ShortTag() {
	case "!!str":
		return object{"type": "string"}, nil
	case "!!bool":
		return object{"type": "boolean"}, nil
	case "!!int":
		return object{"type": "integer"}, nil
	}
	if annotation["type"] == nil {
		return nil, errors.New("say which type it has: `# @schema {type: …}`")
	}
	return object{}, nil
}

// expandTypes replaces our own names of types by what they stand for, also within.
func expandTypes(schema object) {
	name, _ := schema["type"].(string)
	maps.Copy(schema, types[name])
	for _, part := range schema {
		if part, ok := part.(object); ok {
			expandTypes(part)
		}
	}
}
