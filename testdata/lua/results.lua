return 1, "two", {3}, nil, {four = 4.5}
