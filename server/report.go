package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
)

// reportReader reads what an agent tells of its fragments, one JSON object a
// line.
type reportReader struct{ lines *bufio.Reader }

func newReportReader(r io.Reader) *reportReader {
	return &reportReader{bufio.NewReaderSize(r, maxReport)}
}

// next returns what there is to read now, after waiting for the first.
func (r *reportReader) next(id string) ([]Record, error) {
	var records []Record
	for {
		line, err := r.lines.ReadSlice('\n')
		if err != nil {
			return records, err // also of a line that is too long
		}
		record, err := parseReport(id, line)
		if err != nil {
			return records, err
		}
		records = append(records, record)
		if r.lines.Buffered() == 0 || len(records) == maxReports {
			return records, nil
		}
	}
}

func parseReport(id string, line []byte) (Record, error) {
	var report struct {
		Name string
		Hash string
		Size int64
	}
	if err := json.Unmarshal(line, &report); err != nil {
		return Record{}, err
	}
	if len(report.Hash) != 64 {
		return Record{}, errors.New("no hash")
	}
	return Record{Event: "fragment", ID: id, Name: report.Name, Hash: report.Hash, Size: report.Size}, nil
}
