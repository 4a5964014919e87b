package main

import "fmt"

// unit is what a figure counts.
type unit string

const (
	seconds  unit = "seconds"
	itemRate unit = "items a second"
	byteRate unit = "bytes a second"
	size     unit = "bytes"
)

// less says whether a smaller figure is the better one.
func (u unit) less() bool { return u == seconds || u == size }

// format renders a figure with three digits.
func (u unit) format(figure float64) string {
	switch u {
	case seconds:
		return scaled(figure, "", []step{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}})
	case itemRate:
		return scaled(figure, "/s", []step{{1e6, "M"}, {1e3, "k"}, {1, ""}})
	case byteRate:
		return scaled(figure, "/s", []step{{mib, "MiB"}, {kib, "KiB"}})
	}
	return scaled(figure, "", []step{{mib, "MiB"}, {kib, "KiB"}})
}

// step is a multiple of a unit.
type step struct {
	size float64
	name string
}

// scaled renders a figure in the largest step that it reaches.
func scaled(figure float64, suffix string, steps []step) string {
	for i, s := range steps {
		if figure >= s.size || i == len(steps)-1 {
			return digits(figure/s.size) + " " + s.name + suffix
		}
	}
	return digits(figure)
}

// digits renders three of them, and all those before the point.
func digits(x float64) string {
	switch {
	case x >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
