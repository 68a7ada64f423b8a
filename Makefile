# Stella needs Go 1.26.8 or newer. An older Go downloads it. The targets install the other programs
# that they need on Debian and Ubuntu. On other systems they print what is missing.
#
#	make demo       try Stella without configuration (ARGS="--port 9000")
#	make test       run all checks
#	make test-later run the Go tests on another day (DAYS=400, DAYS=-30 or DAY=2028-02-29; PACKAGES=./mail)
#	make race       run the Go tests with the race detector
#	make torture    run the service for ten minutes while its processes are killed (MINUTES=10 SEED=7);
#	                see docs/reliability.md
#	make bench      measure what a qualification costs, beside a program that does only the
#	                necessary work (ROUNDS=5; BASE=COMMIT measures that commit too; ARGS="-modes whole");
#	                see docs/performance.md
#	make build      build bin/stella and bin/stella-bench
#	make image      build a container image without a daemon: bin/stella.oci.tar
#	make sbom       write the software bill of materials (CycloneDX): bin/stella.cdx.json
#	make generate   update all generated files
#	make clean      delete the files that the other targets made

# Git may be missing, or refuse the folder of another user. Then build without it.
ifeq ($(shell git rev-parse -q --verify HEAD 2>/dev/null),)
export GOFLAGS += -buildvcs=false
endif

# The output of git describe. Without Git, the program uses the version from the Go command.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: demo test test-later race torture bench build image sbom generate clean

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

bench:
	scripts/setup
	$(MAKE) build
	ROUNDS=$(or $(ROUNDS),5) BASE=$(BASE) scripts/bench $(ARGS)

build:
	CGO_ENABLED=0 go build -trimpath $(if $(VERSION),-ldflags '-X main.stamped=$(VERSION)') -o bin/stella ./cmd/stella
	CGO_ENABLED=0 go build -trimpath -o bin/stella-bench ./cmd/stella-bench

image: build
	scripts/image

sbom: build
	scripts/sbom

generate:
	go generate ./...

clean:
	rm -rf bin e2e/node_modules e2e/.node
