package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The table in doc/performance.md stands between these two lines.
const (
	tableBegin = "<!-- table: written by go run ./bench -update -->"
	tableEnd   = "<!-- end of table -->"
)

// updatePage puts the table into doc/performance.md.
func (r *report) updatePage() error {
	dir, err := moduleDir()
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "doc", "performance.md")
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	updated, err := replaceTable(string(page), r.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, []byte(updated), 0o666)
}

// replaceTable puts table between the two lines of page.
func replaceTable(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, tableBegin)
	if !ok {
		return "", fmt.Errorf("no line %q", tableBegin)
	}
	_, after, ok := strings.Cut(rest, tableEnd)
	if !ok {
		return "", errors.New("the table has no end")
	}
	return before + tableBegin + "\n" + table + tableEnd + after, nil
}

// markdown is the report for the page.
func (r *report) markdown() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%v; medians of %d rounds (least..most).\n\n", r.Machine, r.Rounds)
	for i, row := range r.rows() {
		s.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			s.WriteString("|" + strings.Repeat(" --- |", len(row)) + "\n")
		}
	}
	s.WriteString("\n")
	return s.String()
}
