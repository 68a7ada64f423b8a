package main

import (
	"os"
	"testing"
)

func TestDiagramIsCurrent(t *testing.T) {
	t.Parallel()
	written, err := os.ReadFile("../../../docs/workflow.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != diagram() {
		t.Error("docs/workflow.md is out of date: run make generate")
	}
}
