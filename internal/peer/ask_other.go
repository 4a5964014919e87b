//go:build !linux && !darwin && !freebsd

package peer

import "errors"

func ask(int) (Peer, error) { return Peer{}, errors.ErrUnsupported }
