package embedded

import (
	"regexp"
	"strings"
)

// insertStatement is an INSERT whose rows the client sends as blocks.
type insertStatement struct {
	table    string // as written, with its database
	columns  string // as written, without parentheses; empty: all
	settings string // as written; empty: none
}

const identifier = "(?:`(?:[^`\\\\]|\\\\.)*`|\"(?:[^\"\\\\]|\\\\.)*\"|[A-Za-z_][A-Za-z0-9_]*)"

var insertPattern = regexp.MustCompile(`(?is)^INSERT\s+INTO\s+(?:TABLE\s+)?(` + identifier + `(?:\s*\.\s*` + identifier + `)?)` +
	`\s*(?:\(((?:[^()'"` + "`" + `]|` + identifier + `|\([^()]*\))*)\))?` +
	`\s*(?:SETTINGS\s+((?:[^'()]|'(?:[^'\\]|\\.)*')*?))?` +
	`\s*(?:VALUES|FORMAT\s+(?:Native|Values))?\s*;?\s*$`)

// parseInsert tells whether a statement is an INSERT whose rows follow as blocks: one that ends after its table,
// columns, settings or VALUES. Everything else, INSERT … SELECT among it, the engine runs as it is written.
func parseInsert(statement string) (insertStatement, bool) {
	m := insertPattern.FindStringSubmatch(skipComments(statement))
	if m == nil || strings.EqualFold(m[1], "FUNCTION") {
		return insertStatement{}, false
	}
	return insertStatement{table: m[1], columns: strings.TrimSpace(m[2]), settings: strings.TrimSpace(m[3])}, true
}

// skipComments drops blanks and comments before a statement.
func skipComments(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		end := ""
		switch {
		case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "#!"), strings.HasPrefix(s, "# "):
			end = "\n"
		case strings.HasPrefix(s, "/*"):
			end = "*/"
		default:
			return s
		}
		_, s, _ = strings.Cut(s, end)
	}
}

// firstWord is a statement's first keyword, in capitals.
func firstWord(statement string) string {
	s := strings.TrimLeft(skipComments(statement), "( \t\r\n")
	end := strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end >= 0 {
		s = s[:end]
	}
	return strings.ToUpper(s)
}

// givesRows says whether a client waits for a block as the answer, if only an empty one.
func givesRows(statement string) bool {
	switch firstWord(statement) {
	case "SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "FROM", "VALUES":
		return true
	}
	return false
}

var textEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)

// quoteText makes a ClickHouse string literal.
func quoteText(s string) string { return "'" + textEscapes.Replace(s) + "'" }

var nameEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`")

// quoteName makes a ClickHouse identifier.
func quoteName(s string) string { return "`" + nameEscapes.Replace(s) + "`" }
