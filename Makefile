# Verbs only; Meson is underneath.
BUILD ?= build

.PHONY: all check
all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) -Dwerror=true

# make check T=room/file: one test, about a second
check: $(BUILD)/build.ninja
	ninja -C $(BUILD) test/test_$(subst /,_,$(T))
	TD_VECTORS=$(CURDIR)/../shared/vectors $(BUILD)/test/test_$(subst /,_,$(T))
