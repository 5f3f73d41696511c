package main

import (
	"strings"
	"testing"
)

func TestProgressBar(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		done, total int64
		want        string
	}{
		"nothing done":    {0, 100, "[>" + strings.Repeat(" ", 39) + "]   0%"},
		"half":            {50, 100, "[" + strings.Repeat("=", 20) + ">" + strings.Repeat(" ", 19) + "]  50%"},
		"all":             {100, 100, "[" + strings.Repeat("=", 40) + "] 100%"},
		"nothing to do":   {0, 0, "[" + strings.Repeat("=", 40) + "] 100%"},
		"more than known": {7, 5, "[" + strings.Repeat("=", 40) + "] 100%"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bar(tc.done, tc.total); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestProgressIsLinesWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	progressTo(&out)(3, 7)
	if out.String() != "compared 3 of 7 offsets\n" {
		t.Errorf("%q", out.String())
	}
}
