package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
)

// startProfiles begins the profiles that are wanted; stop writes them.
func startProfiles(cfg *config) (stop func() error, err error) {
	stop = func() error { return writeAllocations(cfg.memProfile) }
	if cfg.cpuProfile == "" {
		return stop, nil
	}
	file, err := os.Create(cfg.cpuProfile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(file.Close(), writeAllocations(cfg.memProfile))
	}, nil
}

func writeAllocations(name string) error {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	runtime.GC() // so that the profile is up to date
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
