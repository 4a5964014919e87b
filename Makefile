# What needs doing, in short targets. The version is in the build information,
# so a build from a checkout with tags knows it.

.PHONY: build agent release demo test test-short bench fuzz hosts hosts-down clean

export CGO_ENABLED ?= 0

build agent release demo: export GOFLAGS += -trimpath

# The command and the agent, in bin/.
build: agent
	go build -ldflags='-s -w' -o bin/ ./cmd/luagw

# The agent travels to where it runs, so it is built for its size: functions lie
# closer together, by the tag it is without Go's types as items, and nothing is
# inlined in the packages below, in which speed does not count. Those in which it
# does are the VM and what is under it (gopher-lua, its pm, runtime, sync, math,
# bytes, strconv, unicode) and what items go through (luagw, mux, lua, msgpack).
# The test of the agent's size builds it by this.
AGENT_TAGS = luagw_agent
AGENT_LDFLAGS = -s -w -funcalign=16
AGENT_COLD = \
	bufio context crypto/... encoding/base64 encoding/binary encoding/hex errors fmt \
	hash/crc32 internal/bisect internal/filepathlite internal/fmtsort internal/godebug \
	internal/poll internal/reflectlite internal/syscall/... io/fs iter log log/slog maps \
	math/rand math/rand/v2 net net/netip os os/exec path path/filepath reflect \
	runtime/debug runtime/metrics sort strings syscall time unique vendor/... \
	golang.org/x/sys/unix \
	github.com/yuin/gopher-lua/ast github.com/yuin/gopher-lua/parse \
	github.com/luagw/luagw/internal/allow github.com/luagw/luagw/internal/child \
	github.com/luagw/luagw/internal/peer github.com/luagw/luagw/internal/proctree \
	github.com/luagw/luagw/internal/socket github.com/luagw/luagw/lua/std
AGENT_FLAGS = -tags=$(AGENT_TAGS) -ldflags='$(AGENT_LDFLAGS)' $(AGENT_COLD:%=-gcflags=%=-l)
BIN = bin

agent:
	go build $(AGENT_FLAGS) -o $(BIN)/ ./cmd/luagw-agent

# The command for near sides, in dist/, with the agents for all sorts of far sides
# within. The arm agent is for ARMv6, so that it runs on all from there on.
FAR_SIDES = linux/amd64 linux/arm64 linux/arm linux/386 linux/riscv64 \
	darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64
NEAR_SIDES = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 windows/amd64 windows/arm64

release:
	rm -rf dist gateways/agents/packed
	for p in $(FAR_SIDES); do \
		GOOS=$${p%/*} GOARCH=$${p#*/} GOARM=6 go build $(AGENT_FLAGS) -o dist/luagw-agent_$${p%/*}_$${p#*/} ./cmd/luagw-agent || exit; done
	go run ./gateways/agents/pack gateways/agents/packed dist/luagw-agent_*
	for p in $(NEAR_SIDES); do \
		case $$p in windows/*) x=.exe;; *) x=;; esac; \
		GOOS=$${p%/*} GOARCH=$${p#*/} go build -tags=release -ldflags='-s -w' -o dist/luagw_$${p%/*}_$${p#*/}$$x ./cmd/luagw || exit; done

# A few agents on this machine, and what a fragment tells of it.
demo:
	go build -ldflags='-s -w' -o bin/ ./examples/demo
	bin/demo

# Everything. The last line says what was left out, and why.
test:
	scripts/test

# Less than a minute: no race detector, no examples, nothing slow.
test-short:
	go vet ./...
	go test -short ./...

# Beside py.execnet where it is installed: apt install python3-execnet.
bench: agent
	go run ./bench -agent bin/luagw-agent

# Each fuzz target for a while: FUZZTIME, 30s if not set.
fuzz:
	scripts/fuzz

# Containers with ssh servers of all sorts, and web1 to webN, for tests and for
# trying: ssh -F .hosts/ssh_config web1. They need docker, and debootstrap and
# root the first time. CLEAN=1 removes their images and keys as well.
N = 3

hosts:
	scripts/hosts up $(N)

hosts-down:
	scripts/hosts down $(if $(CLEAN),clean)

clean:
	rm -rf bin dist gateways/agents/packed
