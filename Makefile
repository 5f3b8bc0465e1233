# Everything here needs Go alone. `make demo` runs the main job, `make test`
# the tests; `make ci` is what CI runs, and installs what it needs.
.PHONY: build run demo test check fuzz bench ci

# What the program answers to `noroshi version` and /healthz; outside a clone
# it falls back to what Go knows.
VERSION ?= $(shell git describe --always --dirty 2>/dev/null)

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X noroshi/internal/app.version=$(VERSION)" -o bin/noroshi ./cmd/noroshi

demo: build
	./bin/noroshi demo

run: build
	./bin/noroshi serve

test:
	go test -timeout 20m ./...

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt these files"; exit 1; }
	go vet ./...
	go mod verify
	go test -run 'TestArchitecture|TestWords' . ./internal/...
	cd tools && go build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	./bin/staticcheck ./...
	cd tools && go build -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	@./bin/govulncheck ./... || { test $$? -eq 3 && exit 1; echo "govulncheck: the database cannot be reached; skipped"; }

fuzz:
	./tools/fuzz $(or $(FUZZTIME),30s)

bench:
	./bench/run

ci:
	.ci/run
