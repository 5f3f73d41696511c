package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteReference writes the table of all variables in Markdown.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceHead)
	section := ""
	for _, v := range Variables(&Config{}) {
		if v.Section != section {
			section = v.Section
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| variable | default | meaning |\n| --- | --- | --- |\n", section, usedBy(v.Uses))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", referenceName(v), referenceDefault(v), cell(v.Doc+referenceBounds(v)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const referenceHead = `# Environment variables

Made from the configuration structs by ` + "`make docs`" + `; a test holds it against them.

doustream is configured by its environment alone. An empty value counts as not set. A variable marked † is a secret: it may stand in a
file instead, named by the same variable with ` + "`_FILE`" + ` behind. Durations are written ` + "`100ms`, `3m`, `24h`" + `. ` + "`doustream config`" + ` prints every
variable with its effective value, secrets redacted; a process whose configuration is wrong names every wrong variable and exits with 2.
`

func usedBy(uses []Use) string {
	names := make([]string, 0, len(uses))
	for _, use := range uses {
		names = append(names, "`"+string(use)+"`")
	}
	return "For " + strings.Join(names, ", ") + "."
}

func referenceName(v Variable) string {
	name := "`" + v.Name + "`"
	if v.Secret {
		name += " †"
	}
	return name
}

func referenceDefault(v Variable) string {
	switch {
	case v.Required || slices.Contains([]string{Prefix + "APPS_0_ID", Prefix + "APPS_0_SECRET"}, v.Name):
		return "required"
	case v.Default == "":
		return "–"
	}
	return "`" + v.Default + "`"
}

func referenceBounds(v Variable) string {
	switch {
	case len(v.OneOf) > 0:
		return " (`" + strings.Join(v.OneOf, "`, `") + "`)"
	case v.Min != "":
		return fmt.Sprintf(" (%s to %s)", v.Min, v.Max)
	}
	return ""
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
