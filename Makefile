# Stella needs Go 1.26.8 or newer; an older one fetches it. What else these need they install, on Debian and
# Ubuntu, or name.
#
#	make demo       try Stella, with nothing to configure (ARGS="--port 9000")
#	make test       check everything
#	make test-later the Go tests on another day (DAYS=400, DAYS=-30 or DAY=2028-02-29; PACKAGES=./mail)
#	make race       the Go tests with the race detector
#	make torture    kill everything for ten minutes (MINUTES=10 SEED=7); docs/reliability.md
#	make build      bin/stella
#	make image      an image of it, without a daemon: bin/stella.oci.tar
#	make sbom       what it consists of (CycloneDX): bin/stella.cdx.json
#	make generate   whatever is generated from the code
#	make clean      forget what the others made

# Git may be missing, or refuse a folder of somebody else's: build all the same.
ifeq ($(shell git rev-parse -q --verify HEAD 2>/dev/null),)
export GOFLAGS += -buildvcs=false
endif

# A tag and what came after it. Without Git, what the Go command knows.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: demo test test-later race torture build image sbom generate clean

demo:
	scripts/setup
	$(MAKE) build
	bin/stella demo $(ARGS)

test:
	scripts/setup test
	$(MAKE) build
	scripts/test

test-later:
	scripts/setup test
	scripts/test-later $(or $(DAY),$(DAYS),400) $(PACKAGES)

race:
	scripts/setup test
	scripts/test race

torture:
	scripts/setup
	$(MAKE) build
	go test -count=1 ./e2e/torture
	go run ./e2e/torture -stella bin/stella -minutes $(or $(MINUTES),10) $(if $(SEED),-seed $(SEED)) $(ARGS)

build:
	CGO_ENABLED=0 go build -trimpath $(if $(VERSION),-ldflags '-X main.stamped=$(VERSION)') -o bin/stella ./cmd/stella

image: build
	scripts/image

sbom: build
	scripts/sbom

generate:
	go generate ./...

clean:
	rm -rf bin e2e/node_modules e2e/.node
