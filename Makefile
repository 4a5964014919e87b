# What needs doing, in short targets. The version is in the build information,
# so a build from a checkout with tags knows it.

.PHONY: build agent demo test test-short bench fuzz hosts hosts-down clean

export CGO_ENABLED ?= 0

build agent demo: export GOFLAGS += -trimpath

# The command and the agent, in bin/.
build: agent
	go build -ldflags='-s -w' -o bin/ ./cmd/luagw

# The agent travels to where it runs, so it is built for its size: functions
# lie closer together, and where speed does not count nothing is inlined. Lua
# runs 2 to 4 % slower for it. The test of the agent's size reads these lines.
AGENT_LDFLAGS = -s -w -funcalign=16
AGENT_GCFLAGS = -gcflags=github.com/luagw/luagw/lua/std=-l -gcflags=fmt=-l -gcflags=time=-l -gcflags=os=-l -gcflags=net=-l -gcflags=net/netip=-l -gcflags=os/exec=-l -gcflags=path/filepath=-l -gcflags=io/fs=-l -gcflags=github.com/luagw/luagw/internal/proctree=-l -gcflags=github.com/yuin/gopher-lua/parse=-l -gcflags=github.com/yuin/gopher-lua/ast=-l -gcflags=crypto/internal/fips140/...=-l

agent:
	go build -ldflags='$(AGENT_LDFLAGS)' $(AGENT_GCFLAGS) -o bin/ ./cmd/luagw-agent

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
	rm -rf bin dist
