//go:build !unix

package std

import "time"

// processorTime is how long this process runs: what C's clock counts on
// Windows.
func processorTime() time.Duration { return time.Since(processStart) }
