# The sketch as Arduino's builder makes it: its flags, its core, link-time optimisation. Only to prove that it works.
# DECIMAL_DIG: float.h of Debian's compiler keeps it from C++.

ARDUINO ?= /usr/share/arduino/hardware/arduino/avr
ARDUINO_FLAGS := -mmcu=atmega2560 -DF_CPU=16000000L -DARDUINO=10819 -DARDUINO_AVR_MEGA2560 -DARDUINO_ARCH_AVR \
	-DDECIMAL_DIG=__DECIMAL_DIG__ -g -Os -w -ffunction-sections -fdata-sections -flto \
	-I$(ARDUINO)/cores/arduino -I$(ARDUINO)/variants/mega
CORE_SOURCES := $(wildcard $(ARDUINO)/cores/arduino/*.c $(ARDUINO)/cores/arduino/*.cpp)
SKETCH_OBJECTS := $(AVR_SOURCES:%=$(BUILD)/sketch/%.o) $(BUILD)/sketch/firmware.ino.o
CORE_OBJECTS := $(CORE_SOURCES:$(ARDUINO)/%=$(BUILD)/sketch/%.o)

$(BUILD)/sketch/src/%.c.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CROSS)gcc -c $(ARDUINO_FLAGS) -std=gnu11 -fno-fat-lto-objects $< -o $@

$(BUILD)/sketch/src/%.S.o: src/%.S $(HEADERS)
	@mkdir -p $(@D)
	$(CROSS)gcc -c -x assembler-with-cpp $(ARDUINO_FLAGS) $< -o $@

$(BUILD)/sketch/firmware.ino.o: firmware.ino
	@mkdir -p $(@D)
	$(CROSS)g++ -c -x c++ -include Arduino.h $(ARDUINO_FLAGS) -std=gnu++11 -fno-exceptions -fno-threadsafe-statics $< -o $@

$(BUILD)/sketch/cores/%.c.o: $(ARDUINO)/cores/%.c
	@mkdir -p $(@D)
	$(CROSS)gcc -c $(ARDUINO_FLAGS) -std=gnu11 -fno-fat-lto-objects $< -o $@

$(BUILD)/sketch/cores/%.cpp.o: $(ARDUINO)/cores/%.cpp
	@mkdir -p $(@D)
	$(CROSS)g++ -c $(ARDUINO_FLAGS) -std=gnu++11 -fpermissive -fno-exceptions -fno-threadsafe-statics $< -o $@

$(BUILD)/sketch/core.a: $(CORE_OBJECTS)
	rm -f $@
	$(CROSS)gcc-ar rcs $@ $^

sketch: $(BUILD)/sketch.elf
$(BUILD)/sketch.elf: $(SKETCH_OBJECTS) $(BUILD)/sketch/core.a
	$(CROSS)gcc -w -Os -g -flto -fuse-linker-plugin -Wl,--gc-sections -mmcu=atmega2560 $^ -lm -o $@
