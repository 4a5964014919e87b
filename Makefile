# What needs doing, in short targets. The version is in the build information,
# so a build from a checkout with tags knows it.

.PHONY: build agent release demo test test-short bench fuzz hosts hosts-down clean

export CGO_ENABLED ?= 0

build agent release demo: export GOFLAGS += -trimpath

# The command and the agent, in bin/.
build: agent
	go build -ldflags='-s -w' -o bin/ ./cmd/luagw

# The agent, by what cmd/luagw-agent/build.flags says, which also tells why.
AGENT_ENV := $(shell grep '^[A-Z]' cmd/luagw-agent/build.flags)
AGENT_FLAGS := $(shell grep "^['-]" cmd/luagw-agent/build.flags)
BIN = bin

agent:
	$(AGENT_ENV) go build $(AGENT_FLAGS) -o $(BIN)/ ./cmd/luagw-agent

# The command for near sides, in dist/, with the agents for all sorts of far sides
# within.
FAR_SIDES = linux/amd64 linux/arm64 linux/arm linux/386 linux/riscv64 \
	darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64
NEAR_SIDES = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 windows/amd64 windows/arm64

release:
	rm -rf dist gateways/agents/packed
	for p in $(FAR_SIDES); do \
		GOOS=$${p%/*} GOARCH=$${p#*/} $(AGENT_ENV) go build $(AGENT_FLAGS) -o dist/luagw-agent_$${p%/*}_$${p#*/} ./cmd/luagw-agent || exit; done
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
	go test -short -parallel 16 ./...

# Beside py.execnet and mitogen where they are installed: apt install
# python3-execnet python3-mitogen.
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
