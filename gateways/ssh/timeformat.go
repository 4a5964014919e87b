package ssh

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeUnits are those of sshd_config(5), section TIME FORMATS.
var timeUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// parseTime adds up numbers, each with its unit, which is seconds if missing.
func parseTime(keyword, word string) (time.Duration, error) {
	var sum time.Duration
	for rest := strings.ToLower(word); rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseUint(rest[:digits], 10, 31)
		unit := time.Second
		if rest = rest[digits:]; rest != "" {
			unit, rest = timeUnits[rest[0]], rest[1:]
		}
		if err != nil || unit == 0 || time.Duration(n) > (math.MaxInt64-sum)/unit {
			return 0, fmt.Errorf("%s %q in the ssh configuration is no time", keyword, word)
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}
