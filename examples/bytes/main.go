// Bytes moves bytes both ways: a channel has an io.Writer and an io.Reader.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/luagw/luagw"
	"github.com/luagw/luagw/gateways"
	"github.com/luagw/luagw/lua"
)

func main() {
	luagw.ServeIfAgent(&lua.Runtime{}) // popen starts this very program as the agent
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bytes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	group := &luagw.Group{Dial: gateways.Dial}
	defer group.Close()
	gw, err := group.Open(ctx, "popen")
	if err != nil {
		return err
	}
	ch, err := gw.RemoteExec(ctx, `
		local sum = hash.new("sha256")
		for piece in channel do
			sum:update(piece)
			channel:send(piece)
		end
		return sum:hex()
	`)
	if err != nil {
		return err
	}
	here := sha256.New()
	go func() { // ends when all is sent
		w := io.MultiWriter(here, ch.Writer(ctx))
		io.CopyN(w, rand.NewChaCha8([32]byte{}), 10<<20)
		ch.CloseWrite()
	}()
	n, err := io.Copy(io.Discard, ch.Reader(ctx))
	if err != nil {
		return err
	}
	results, err := ch.Results(ctx)
	if err != nil {
		return err
	}
	fmt.Println(n, results[0] == hex.EncodeToString(here.Sum(nil)))
	return nil
}
