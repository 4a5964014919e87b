package luagw

import "context"

// Exit tells how the process at the far end of a connection ended.
type Exit struct {
	Code   int    // its exit status; -1 if a signal ended it or it is not known
	Signal string // that ended it, for instance "killed"; empty if none
	Stderr string // the last that it wrote to its standard error
}

// Exiter is what a [DialFunc]'s connection implements when it knows of the
// process at its far end. The errors of a gateway that is lost, or could not
// be opened, are made of it.
type Exiter interface {
	// Exit waits for the process to end, until ctx ends, and tells how it
	// did. It may be called concurrently, before and after Close.
	Exit(ctx context.Context) Exit
}
