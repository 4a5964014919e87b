package std

// Libraries returns all modules, sorted by name.
func Libraries() []Library {
	return []Library{
		agentLibrary(),
		fsLibrary(),
		hashLibrary(),
		hostLibrary(),
		jsonLibrary(),
		logLibrary(),
		pathLibrary(),
		processLibrary(),
		textLibrary(),
		timeLibrary(),
	}
}

// Lookup returns the module of that name.
func Lookup(name string) (Library, bool) {
	for _, lib := range Libraries() {
		if lib.Name == name {
			return lib, true
		}
	}
	return Library{}, false
}
