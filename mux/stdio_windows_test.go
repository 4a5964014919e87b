package mux

// runChild plays no parts here: there is no test which needs one.
func runChild(string) int { return 1 }
