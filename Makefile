# SPDX-License-Identifier: Apache-2.0
# Thin: meson and npm know how to build, this file only names the things people do. ./run and ./test install what is
# needed first and then come here.
BUILD ?= build
ASAN ?= build-asan
TSAN ?= build-tsan
FUZZ ?= build-fuzz
FUZZ_SECONDS ?= 60
DEBS ?= $(BUILD)/debs
KILLS ?= 200
IDEM_DATA ?= ../shared/data
CHECK ?=
ONLY ?=
.PHONY: all programs page asan tsan run demo-seat test bench fire crash kill9 reliability figures thresholds takeovers gate-takeovers guests-slow \
    footprint fuzz format population debs clean

all: $(BUILD)/build.ninja
	ninja --quiet -C $(BUILD)
$(BUILD)/build.ninja:
	meson setup $(BUILD) --buildtype=release

# What ./run needs, without tests and benchmarks.
programs: $(BUILD)/build.ninja
	ninja --quiet -C $(BUILD) src/server/idem-server src/cli/idem data/population.pop

page:
	$(MAKE) -s -C console

asan: $(ASAN)/build.ninja
	ninja --quiet -C $(ASAN)
$(ASAN)/build.ninja:
	meson setup $(ASAN) --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false

# Everything that runs on several threads, under the thread sanitizer; takes minutes.
TSAN_UNIT = auth bindings challenge clock errands gate guests lanes local pool recorder sandbox seats sketch stream worker
tsan: $(TSAN)/build.ninja
	ninja --quiet -C $(TSAN) src/server/idem-server src/cli/idem tests/system/simulate \
	    $(addprefix tests/unit/test_,$(TSAN_UNIT))
	@tests/tsan.sh $(TSAN)
$(TSAN)/build.ninja:
	meson setup $(TSAN) --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false

run:
	@exec ./run

# The agent at a desk that is not there, feeding the server that ./run has started; WITH=--quick leaves out the people.
demo-seat:
	@packaging/setup.sh demo
	@$(MAKE) -s all
	@/usr/bin/python3 -B examples/demo-seat/demo_seat.py --build $(BUILD) $(WITH)

test:
	@$(MAKE) -s -j3 all page asan
	@tests/all.sh $(BUILD) $(ASAN)

bench: all
	@IDEM_DATA=$(IDEM_DATA) bench/all.sh $(BUILD)

# The server under fire over the network, at full size: the table of docs/reliability.md. SCALE=10 is ten times smaller.
fire: all
	@python3 -B bench/fire.py $(BUILD) --scale $(or $(SCALE),1)

# The power goes at every operation of a server's day, with many draws of what is left; and the disk fails at every call.
crash: all
	@$(BUILD)/tests/crash/test_crash full 2>/dev/null
	@$(BUILD)/tests/crash/test_faults full 2>/dev/null

# Both of these, kills and full disks: the tables of docs/reliability.md about storage.
reliability: all
	@bench/reliability.sh $(BUILD) $(KILLS)

# The real server killed at KILLS random moments of load over sockets.
kill9: all
	@IDEM_SERVER=$(BUILD)/src/server/idem-server IDEM_SIMULATE=$(BUILD)/tests/system/simulate \
	    python3 -B bench/kill9.py $(KILLS)

# Guests in QEMU, with the processor emulated where there is no KVM; kernel and root are downloaded once, into $(BUILD)/guest.
guests-slow: all
	@for guest in devices system; do IDEM_BUILD=$(BUILD) python3 -B tests/guest/run.py $$guest --emulate || exit 1; done

# What the agent costs a seat, and a Python peer beside it, on one stream in a guest: the table of docs/agent.md.
# HOURS=0.1 plays a tenth of the hour by which growth is looked for.
footprint: all
	@IDEM_BUILD=$(BUILD) python3 -B bench/footprint.py $(if $(HOURS),--hours $(HOURS))

# Every figure and plot in README.md, docs/recognition.md, docs/ageing.md and docs/guard.md, from the recordings in IDEM_DATA;
# CHECK=1 only compares, ONLY='verify leak' takes these tables.
figures: all
	@IDEM_DATA=$(IDEM_DATA) IDEM_CLI=$(BUILD)/src/cli/idem python3 -B bench/figures.py $(if $(CHECK),--check) \
	    $(foreach name,$(ONLY),--only $(name))

# src/model/false_alarms.inc, by which policies set thresholds, from the recordings in IDEM_DATA; CHECK=1 only compares.
thresholds: all
	@bench/false_alarms.py $(BUILD)/src/cli/idem $(IDEM_DATA)/bbmas_desktop.csv.gz \
	    $(if $(CHECK),,src/model/false_alarms.inc)

# Every person of the shipped recordings taken over by every other, as live sessions.
takeovers: all
	@bench/takeovers.sh $(BUILD)

# The same in front of the gate: what a look at a customer is answered with, before and after somebody else sits down.
gate-takeovers: all
	@for keys in 420 600; do IDEM_SERVER=$(BUILD)/src/server/idem-server IDEM_CLI=$(BUILD)/src/cli/idem \
	    IDEM_SIMULATE=$(BUILD)/tests/system/simulate python3 -B bench/gate_takeovers.py $$keys; done

# Every fuzz/fuzz_NAME.c for FUZZ_SECONDS each, from fuzz/corpus/NAME; findings stay in $(FUZZ).
fuzz:
	@fuzz/all.sh $(FUZZ) $(FUZZ_SECONDS)

# The populations of data/, to the same bytes, from the recordings in IDEM_DATA.
population: all
	$(BUILD)/src/cli/idem train -o data/default.pop --users 1-105 $(IDEM_DATA)/bbmas_desktop.csv.gz \
	    --users 1-72 $(IDEM_DATA)/sapimouse.csv.gz
	$(BUILD)/src/cli/idem train -o data/keyboard.pop --users 1-105 $(IDEM_DATA)/bbmas_desktop.csv.gz

# The Debian packages, into $(DEBS).
debs:
	@packaging/setup.sh debs
	@packaging/build-debs.sh $(DEBS)

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD) $(ASAN) $(FUZZ) $(TSAN) console/dist sdk/dist
