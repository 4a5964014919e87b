package luagw

import "errors"

func renice(int) error { return errors.New("nice: not supported on windows") }
