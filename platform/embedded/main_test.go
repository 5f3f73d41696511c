package embedded_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"doustream/platform/embedded"
)

// parentVariable makes this binary a parent that starts a ClickHouse in the directory it names, prints its process's
// number, and waits to be killed.
const parentVariable = "DOUSTREAM_TEST_PARENT"

func TestMain(m *testing.M) {
	embedded.Main()
	if dir := os.Getenv(parentVariable); dir != "" {
		ch, err := embedded.StartClickHouse(context.Background(), embedded.ClickHouseOptions{Dir: dir})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(ch.PID())
		_ = ch.Wait()
		os.Exit(0)
	}
	os.Exit(m.Run())
}
