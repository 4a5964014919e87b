package agents

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// compress makes the image of an executable.
func compress(executable []byte, level int) (*Image, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(executable); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(executable)
	return &Image{Hash: hex.EncodeToString(sum[:]), Size: int64(len(executable)), Gzip: packed.Bytes()}, nil
}

// maxExecutable bounds what is unpacked.
const maxExecutable = 1 << 30

// examine makes the image of what is compressed already.
func examine(packed []byte) (*Image, error) {
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, io.LimitReader(plain, maxExecutable+1))
	if err != nil {
		return nil, err
	}
	if size > maxExecutable {
		return nil, fmt.Errorf("it holds more than %d MiB", maxExecutable>>20)
	}
	return &Image{Hash: hex.EncodeToString(sum.Sum(nil)), Size: size, Gzip: packed}, nil
}
