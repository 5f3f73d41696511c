package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fault is one wrong variable.
type Fault struct {
	Variable string // with its prefix
	Problem  string // without secrets
}

func (f Fault) Error() string { return f.Variable + " " + f.Problem }

// Faults is every wrong variable of a configuration, sorted by name.
type Faults []Fault

// Error lists one fault a line.
func (f Faults) Error() string {
	var b strings.Builder
	b.WriteString("the configuration is wrong:")
	for _, fault := range f {
		b.WriteString("\n  " + fault.Error())
	}
	return b.String()
}

// Variables lists the names, each once.
func (f Faults) Variables() []string {
	var names []string
	for _, fault := range f {
		if !slices.Contains(names, fault.Variable) {
			names = append(names, fault.Variable)
		}
	}
	return names
}

// add notes a fault, unless the variable has one already: what follows from a
// fault is no news.
func (f *Faults) add(variable, format string, args ...any) {
	for _, fault := range *f {
		if fault.Variable == variable {
			return
		}
	}
	*f = append(*f, Fault{variable, fmt.Sprintf(format, args...)})
}

// asError answers the faults in order, or nil if there are none.
func (f Faults) asError() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortStableFunc(f, func(a, b Fault) int { return strings.Compare(a.Variable, b.Variable) })
	return f
}

// merge takes over the faults that err holds; variable names one that does not say.
func (f *Faults) merge(variable string, err error) {
	var fault Fault
	if errors.As(err, &fault) {
		f.add(fault.Variable, "%s", fault.Problem)
		return
	}
	f.add(variable, "is wrong: %v", err)
}
