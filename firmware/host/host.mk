# The virtual board, for the machine it is built on. SANITIZE=1 builds it with address and undefined-behaviour checks.

HOST_CC ?= cc
HOST_FLAGS := -std=gnu11 -O2 -g $(WARNINGS)
ifdef SANITIZE
HOST_FLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
HOST_SOURCES := host/host.c host/bootloader.c host/line.c $(wildcard src/core/*.c)
HOST_HEADERS := $(wildcard host/*.h src/core/*.h)

host: $(BUILD)/libxylophone.so
$(BUILD)/libxylophone.so: $(HOST_SOURCES) $(HOST_HEADERS)
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_FLAGS) -shared -fPIC $(HOST_SOURCES) -o $@

virtual-board: $(BUILD)/xylophone-virtual-board
$(BUILD)/xylophone-virtual-board: host/pty.c $(HOST_SOURCES) $(HOST_HEADERS)
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_FLAGS) host/pty.c $(HOST_SOURCES) -o $@

fuzz: $(BUILD)/fuzz
$(BUILD)/fuzz: host/fuzz.c $(HOST_SOURCES) $(HOST_HEADERS)
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_FLAGS) host/fuzz.c $(HOST_SOURCES) -o $@
