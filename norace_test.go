//go:build !race

package luagw_test

// raceEnabled says that everything takes ten times as long.
const raceEnabled = false
