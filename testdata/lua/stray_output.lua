io.write("written\n")
os.execute("echo executed; echo complained >&2")
io.popen("echo opened >&2"):close()
channel:send(("x"):rep(1000))
