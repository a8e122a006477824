# Verbs only; Meson is underneath, and each verb is one command. doc/HACKING.md explains them.

PREFIX  ?= /usr/local
SECONDS ?= 60
SEED    ?= 1
SEEDS   ?= 1
CYCLES  ?= 100
CUTS    ?= 40

.PHONY: all run test proof proof-full check asan tsan fuzz bench cov lint fmt sim kill9 powercut install clean
all:
	@tools/setup build
	@ninja -C build

# the demo; installs and builds what that needs and no more. make run ARGS='--for 20s'
run:
	@tools/install-deps run
	@tools/run $(ARGS)

# what a newcomer runs: everything, short
test:
	@tools/install-deps test
	@tools/test

# the long shares, by the table in tools/proof
proof:
	@tools/install-deps test
	@tools/proof

proof-full:
	@tools/install-deps test
	@tools/proof --full

# make check T=room/file: one test, about a second
check:
	@tools/check $(T)

# the unit tests and the corpora under address + undefined; what has threads under thread
asan tsan:
	@tools/test $@

# make fuzz F=name SECONDS=60: one fuzzer
fuzz:
	@tools/fuzz $(F) $(SECONDS)

bench:
	@tools/install-deps bench
	@tools/bench $(B)

cov:
	@tools/cov

lint:
	@tools/test house
	@tools/tidy

fmt:
	@tools/format --fix

# make sim SEED=42: replay one world; SEEDS=1000 plays that many from SEED on
sim:
	@tools/sim $(SEED) $(SEEDS)

# a real writer, killed CYCLES times; power cut CUTS times under it (as root)
kill9:
	@tools/kill9 $(CYCLES) $(SEED)

powercut:
	@tools/setup build
	@ninja -C build --quiet sim/powercut
	@tools/powercut $(CUTS) $(SEED)

install:
	@tools/install $(PREFIX)

clean:
	rm -rf build build-*
