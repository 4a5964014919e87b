package main

import (
	"net"
	"os"
	"os/exec"
)

// listenVar has the bench listen at an address, and serve one connection with
// the program that its arguments name.
const listenVar = "LUAGW_BENCH_LISTEN"

// serveOne listens at addr and has a program serve the first that comes.
func serveOne(addr string, args []string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	conn.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, os.Stderr
	return cmd.Run()
}
