error("oops", 0)
