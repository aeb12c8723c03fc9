# SPDX-License-Identifier: Apache-2.0
# Thin: meson knows how to build, this file only names the things people do.
BUILD ?= build
.PHONY: all run test bench fuzz format asan clean
all: $(BUILD)/build.ninja
	ninja -C $(BUILD)
$(BUILD)/build.ninja:
	meson setup $(BUILD) --buildtype=release -Db_lto=false
clean:
	rm -rf $(BUILD) build-asan build-tsan build-fuzz
