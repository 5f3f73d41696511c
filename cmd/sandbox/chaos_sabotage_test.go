package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// plantedBug is a bug of the package sabotage, with the faults that bring it to
// light and the charge that it must be found under.
type plantedBug struct {
	name   string
	kinds  []faultKind
	charge charge
}

var plantedBugs = []plantedBug{
	{"early-commit", []faultKind{faultKill}, chargeLost},
	{"skip-ledger", []faultKind{faultReset}, chargeCodeTwice},
	{"reorder", nil, chargeOrder},
	{"send-twice", []faultKind{faultReset}, chargeMessage},
	{"forget-tokens", []faultKind{faultKill}, chargeToken},
	{"blind-insert", []faultKind{faultKill, faultHouse}, chargeRowDoubled},
}

// TestChaosFindsPlantedBugs plants bugs in the program itself and wants chaos to
// exit with 1 and to charge each for what it is: the oracle can fail. All of them
// together, or, where the environment asks for it, as make chaos-sabotage does,
// one after another.
func TestChaosFindsPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	binary := filepath.Join(t.TempDir(), "doustream")
	if out, err := exec.Command("go", "build", "-tags", "sabotage", "-o", binary, "doustream/cmd/doustream").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if os.Getenv("DOUSTREAM_TEST_SABOTAGE") == "" {
		testPlanted(t, binary, plantedBugs)
		return
	}
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) { testPlanted(t, binary, []plantedBug{bug}) })
	}
}

func testPlanted(t *testing.T, binary string, bugs []plantedBug) {
	t.Helper()
	var names, kinds []string
	for _, bug := range bugs {
		names = append(names, bug.name)
		for _, kind := range bug.kinds {
			if !slices.Contains(kinds, string(kind)) {
				kinds = append(kinds, string(kind))
			}
		}
	}
	t.Setenv("SABOTAGE", strings.Join(names, ","))
	args := []string{
		"chaos", "--dir", t.TempDir(), "--doustream", binary, "--events", "1200", "--over", "14s", "--faults", "14", "--latency", "400ms",
		"--seed", "214", // all roles are killed, and the platform fails meanwhile
		"--session-wait", "5s", "--patience", "8s", "--kinds", strings.Join(kinds, ","),
	}
	if len(kinds) == 0 {
		args = append(args[:len(args)-2], "--faults", "0")
	}
	var out bytes.Buffer
	if code := run(t.Context(), args, &out, t.Output()); code != exitFailed {
		t.Errorf("exit %d, want %d", code, exitFailed)
	}
	for _, bug := range bugs {
		if n := charged(t, out.String(), bug.charge); n == 0 {
			t.Errorf("%s is not found as %q", bug.name, bug.charge)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// charged is the number on the scorecard beside a charge.
func charged(t *testing.T, card string, c charge) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^ *(\d+)  ` + regexp.QuoteMeta(string(c)) + `$`).FindStringSubmatch(card)
	if found == nil {
		t.Fatalf("the scorecard has no line for %q:\n%s", c, card)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
