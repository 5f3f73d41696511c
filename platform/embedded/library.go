package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// EnginesDir is the folder, beside go.mod, into which `make engines` installs.
const EnginesDir = ".engines"

// ErrNoEngine says that an engine is not installed; the error around it names the remedy.
var ErrNoEngine = errors.New("engine is not installed")

// LibraryVariable is the environment variable that names libchdb's file.
const LibraryVariable = "DOUSTREAM_CHDB_LIB"

// FindLibrary gives the path of libchdb: from $DOUSTREAM_CHDB_LIB, else from .engines beside the go.mod found upward
// from the working directory, else from .engines beside the executable. Without it the error wraps [ErrNoEngine].
func FindLibrary() (string, error) {
	if path := os.Getenv(LibraryVariable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("find libchdb by %s: %w", LibraryVariable, err)
		}
		return path, nil
	}
	path, err := findEngine(filepath.Join("node_modules", "@chdb", libraryPackage(), "libchdb.so"))
	if err != nil {
		return "", fmt.Errorf("find libchdb for %s/%s: %w: run `make engines`, or set %s to its file", runtime.GOOS, runtime.GOARCH, err, LibraryVariable)
	}
	return path, nil
}

// libraryPackage is the npm package that holds the library for this platform.
func libraryPackage() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	if runtime.GOOS == "linux" {
		return "lib-linux-" + arch + "-gnu"
	}
	return "lib-" + runtime.GOOS + "-" + arch
}

// findEngine looks for a file or folder of the engines' folder in the places where that can be.
func findEngine(name string) (string, error) {
	for _, root := range engineRoots() {
		path := filepath.Join(root, EnginesDir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNoEngine
}

func engineRoots() []string {
	var roots []string
	if dir, err := os.Getwd(); err == nil {
		if root, ok := moduleRoot(dir); ok {
			roots = append(roots, root)
		}
	}
	if exe, err := os.Executable(); err == nil {
		roots = append(roots, filepath.Dir(exe))
		if root, ok := moduleRoot(filepath.Dir(exe)); ok {
			roots = append(roots, root)
		}
	}
	return roots
}

// moduleRoot is the nearest folder, dir or above it, that holds a go.mod.
func moduleRoot(dir string) (string, bool) {
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
