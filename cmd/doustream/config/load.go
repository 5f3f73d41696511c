package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Load reads and checks the sections that the uses need from environ
// ("NAME=value" entries). An empty value counts as not set; a secret may stand
// in a file that NAME_FILE names. The error is a Faults with everything that
// is wrong; the Config holds what could be read even then. unknown lists the
// variables with doustream's prefix that it does not know.
func Load(environ []string, uses ...Use) (c *Config, unknown []string, err error) {
	c = &Config{}
	var faults Faults
	values := set(environ)
	readFiles(values, uses, &faults)
	unknown = unknownNames(values)

	root := reflect.ValueOf(c).Elem()
	var read []reflect.Value
	for i := range root.NumField() {
		if !needed(usesOf(root.Type().Field(i)), uses) {
			continue
		}
		section := root.Field(i)
		parseSection(section, values, &faults)
		checkValues(sectionVariables(section, nil), &faults)
		read = append(read, section)
	}
	checkIndexes(values, len(c.Apps.Apps), &faults)
	for _, s := range read {
		if s, ok := s.Addr().Interface().(section); ok {
			s.check(c, &faults)
		}
	}
	return c, unknown, faults.asError()
}

func needed(has, asked []Use) bool {
	return slices.ContainsFunc(asked, func(u Use) bool { return slices.Contains(has, u) })
}

// set is the variables of ours that have a value. Of two entries of one name
// the later counts, as in os/exec.
func set(environ []string) map[string]string {
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, Prefix) {
			continue
		}
		if delete(values, name); strings.TrimSpace(value) != "" {
			values[name] = value
		}
	}
	return values
}

func parseSection(section reflect.Value, values map[string]string, faults *Faults) {
	var current string
	err := env.ParseWithOptions(section.Addr().Interface(), env.Options{
		Environment: values,
		Prefix:      Prefix,
		OnSet:       func(name string, _ any, _ bool) { current = name },
		FuncMap:     parsers(&current),
	})
	var all env.AggregateError
	if err == nil {
		return
	}
	if !errors.As(err, &all) {
		faults.add(Prefix, "cannot be read: %v", err)
		return
	}
	for _, one := range all.Errors {
		var missing env.VarIsNotSetError
		var bad env.ParseError
		switch {
		case errors.As(one, &missing):
			faults.add(missing.Key, "is not set")
		case errors.As(one, &bad): // does not unwrap
			faults.merge(Prefix+bad.Name, bad.Err)
		default:
			faults.merge(Prefix, one)
		}
	}
}

// checkValues holds each value against the bounds that its field declares.
func checkValues(variables []Variable, faults *Faults) {
	for _, v := range variables {
		if len(v.OneOf) > 0 {
			if value := fmt.Sprint(v.value.Interface()); value != "" && !slices.Contains(v.OneOf, value) {
				faults.add(v.Name, "is %q, not one of %s", value, strings.Join(v.OneOf, ", "))
			}
		}
		if v.Min != "" || v.Max != "" {
			if !within(v.value, v.Min, v.Max) {
				faults.add(v.Name, "is %s, not between %s and %s", v.Value(), v.Min, v.Max)
			}
		}
	}
}

// within compares a number or a duration with bounds written as text, which a
// test shows to be readable for every field.
func within(value reflect.Value, low, high string) bool {
	a, b := bound(value, low), bound(value, high)
	if value.CanFloat() {
		return value.Float() >= a && value.Float() <= b
	}
	return float64(value.Int()) >= a && float64(value.Int()) <= b
}

func bound(value reflect.Value, text string) float64 {
	if _, ok := value.Interface().(time.Duration); ok {
		d, _ := time.ParseDuration(text)
		return float64(d)
	}
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
