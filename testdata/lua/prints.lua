print("one", 2, nil, true)
print()
print("a\nb")
print(("x"):rep(3))
