package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// barWidth is how many characters a progress bar has.
const barWidth = 40

// progressTo shows how far something of offsets has come: on a terminal as a bar
// that stays on its line, elsewhere as a line each time.
func progressTo(out io.Writer) func(done, total int64) {
	if !isTerminal(out) {
		return func(done, total int64) { fmt.Fprintf(out, "compared %d of %d offsets\n", done, total) }
	}
	return func(done, total int64) {
		end := ""
		if done >= total {
			end = "\n"
		}
		fmt.Fprintf(out, "\r%s %d of %d offsets%s", bar(done, total), done, total, end)
	}
}

// bar is [=======>      ]  42%.
func bar(done, total int64) string {
	share := 1.0
	if total > 0 {
		share = min(1, float64(done)/float64(total))
	}
	filled := int(share * barWidth)
	line := strings.Repeat("=", filled)
	if filled < barWidth {
		line += ">" + strings.Repeat(" ", barWidth-filled-1)
	}
	return fmt.Sprintf("[%s] %3.0f%%", line, 100*share)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
