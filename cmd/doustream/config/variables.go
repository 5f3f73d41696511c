package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"doustream/platform/douyin"
	"doustream/platform/secrets"
)

// Variable is one environment variable, as its struct field declares it.
type Variable struct {
	Name     string // with the prefix
	Section  string // the section's title
	Doc      string
	Default  string
	Required bool
	Secret   bool // has a …_FILE twin; its value is never shown
	Min, Max string
	OneOf    []string
	Uses     []Use

	value reflect.Value
}

// Variables lists every variable of c in the order of declaration. Apps by
// index are listed as they are configured; if none is, app 0 stands for all.
func Variables(c *Config) []Variable {
	var list []Variable
	root := reflect.ValueOf(c).Elem()
	for i := range root.NumField() {
		field := root.Type().Field(i)
		list = append(list, sectionVariables(root.Field(i), usesOf(field))...)
	}
	return list
}

func usesOf(field reflect.StructField) []Use {
	var uses []Use
	for _, use := range strings.Fields(field.Tag.Get("for")) {
		uses = append(uses, Use(use))
	}
	return uses
}

func sectionVariables(section reflect.Value, uses []Use) []Variable {
	var list []Variable
	title := section.Addr().Interface().(interface{ Title() string }).Title()
	walk(section, Prefix, func(v Variable) {
		v.Section, v.Uses = title, uses
		list = append(list, v)
	})
	return list
}

func walk(s reflect.Value, prefix string, visit func(Variable)) {
	for i := range s.NumField() {
		field := s.Type().Field(i)
		if group, ok := field.Tag.Lookup("envPrefix"); ok {
			items := s.Field(i)
			if items.Len() == 0 {
				items = reflect.MakeSlice(items.Type(), 1, 1)
			}
			for n := range items.Len() {
				walk(items.Index(n), fmt.Sprintf("%s%s%d_", prefix, group, n), visit)
			}
			continue
		}
		if tag, ok := field.Tag.Lookup("env"); ok {
			visit(declared(field, s.Field(i), tag, prefix))
		}
	}
}

func declared(field reflect.StructField, value reflect.Value, tag, prefix string) Variable {
	options := strings.Split(tag, ",")
	v := Variable{
		Name:     prefix + options[0],
		Doc:      field.Tag.Get("doc"),
		Default:  field.Tag.Get("envDefault"),
		Required: slices.Contains(options, "required"),
		Secret:   isSecret(field.Type),
		Min:      field.Tag.Get("min"),
		Max:      field.Tag.Get("max"),
		value:    value,
	}
	if list := field.Tag.Get("oneof"); list != "" {
		v.OneOf = strings.Split(list, ",")
	}
	return v
}

var secretTypes = []reflect.Type{
	reflect.TypeFor[secrets.String](), reflect.TypeFor[*secrets.Keyring](), reflect.TypeFor[*secrets.Peppers](), reflect.TypeFor[douyin.Secret](),
}

func isSecret(t reflect.Type) bool { return slices.Contains(secretTypes, t) }

// Value is the effective value as it may be shown: a secret is redacted, keys
// are named by their ids, nothing is empty.
func (v Variable) Value() string {
	switch value := v.value.Interface().(type) {
	case []string:
		return strings.Join(value, ",")
	case *secrets.Keyring:
		if value != nil {
			return redactedIDs(value.IDs())
		}
		return ""
	case *secrets.Peppers:
		if value != nil {
			return redactedIDs(value.IDs())
		}
		return ""
	case douyin.Secret:
		if value == "" {
			return ""
		}
		return secrets.Redacted
	case time.Duration:
		return shortDuration(value)
	default:
		return fmt.Sprint(value)
	}
}

func redactedIDs(ids []string) string {
	return secrets.Redacted + " (ids " + strings.Join(ids, ", ") + ")"
}

// shortDuration is 3m for what the standard library calls 3m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parsers reads each type of value that a section uses. current names the
// variable being read, which env's own errors do not.
func parsers(current *string) map[reflect.Type]env.ParserFunc {
	types := map[reflect.Type]env.ParserFunc{}
	register(types, current, parseInt)
	register(types, current, parseBool)
	register(types, current, parseDuration)
	register(types, current, parseFloat)
	register(types, current, parseList)
	register(types, current, parseTemplates)
	register(types, current, parseKeyring)
	register(types, current, parsePeppers)
	return types
}

func register[T any](types map[reflect.Type]env.ParserFunc, current *string, parse func(string) (T, error)) {
	types[reflect.TypeFor[T]()] = func(text string) (any, error) {
		value, err := parse(text)
		if err != nil {
			return nil, Fault{*current, err.Error()}
		}
		return value, nil
	}
}
