"""What an i.MX RT1062 and the flash chip beside it hold: RAM, flash that must be erased before it is written, fuses."""

import hashlib

OK = 0
FAIL = 1
INVALID_ARGUMENT = 4
OUTSIDE = 10200
NOT_ERASED = 10203
NOT_CONFIGURED = 10205
NOT_ALIGNED = 10206
FUSE_READ_FAILED = 20200
FUSE_LOCKED = 20201

FLASH_START = 0x6000_0000
FLASH_BYTES = 16 * 1024 * 1024
SECTOR_BYTES = 0x1000
FCB_BYTES = 0x200

SBL = 0x6000_1000
FIRMWARE = 0x6004_0000
SBL_LINKED_AT = 0x2000_1000

BOOT_FUSE_WORD, BOOT_FUSE_BITS = 6, 0x10
FUSE_WORDS = 0x80
LOCK_BIT = 1 << 24

FLEXSPI_NOR = 9
DESCRIBE_FLASH, WRITE_FCB = 0xC000_0008, 0xF000_000F


class Ram:
    """Two windows; the rest of the chip's RAM is never used here. What it holds goes with the power."""

    WINDOWS = {0x0000_0000: 0x8_0000, 0x2000_0000: 0x8_0000}

    def __init__(self):
        self._cells = {start: bytearray(length) for start, length in self.WINDOWS.items()}

    def place(self, address, length):
        for start, cells in self._cells.items():
            if start <= address and address + length <= start + len(cells):
                return cells, address - start
        return None

    def write(self, address, data):
        found = self.place(address, len(data))
        if found is None:
            return OUTSIDE
        cells, offset = found
        cells[offset : offset + len(data)] = data
        return OK

    def read(self, address, length):
        found = self.place(address, length)
        if found is None:
            return None
        cells, offset = found
        return bytes(cells[offset : offset + length])

    def word(self, address):
        data = self.read(address, 4)
        return None if data is None else int.from_bytes(data, "little")


class Flash:
    """Behind FlexSPI. A new one is full of garbage, as that of a damaged board."""

    def __init__(self):
        self.cells = bytearray(b"\xa5") * FLASH_BYTES
        self.configured = False
        self.written = {}
        self.erased_sectors = 0

    def _fault(self, address, length):
        if not self.configured:
            return NOT_CONFIGURED
        if address < FLASH_START or address + length > FLASH_START + FLASH_BYTES:
            return OUTSIDE
        return OK

    def erase(self, address, length):
        if address % SECTOR_BYTES or length == 0:
            return NOT_ALIGNED if length else INVALID_ARGUMENT
        length = -(-length // SECTOR_BYTES) * SECTOR_BYTES
        fault = self._fault(address, length)
        if fault:
            return fault
        offset = address - FLASH_START
        self.cells[offset : offset + length] = b"\xff" * length
        self.erased_sectors += length // SECTOR_BYTES
        kept = {}
        for start, size in self.written.items():
            end = start + size
            if start < address:
                kept[start] = min(end, address) - start
            if end > address + length:
                begin = max(start, address + length)
                kept[begin] = end - begin
        self.written = kept
        return OK

    def write(self, address, data):
        fault = self._fault(address, len(data))
        if fault:
            return fault
        offset = address - FLASH_START
        if self.cells[offset : offset + len(data)].count(0xFF) != len(data):
            return NOT_ERASED
        self.cells[offset : offset + len(data)] = data
        self.written[address] = len(data)
        return OK

    def read(self, address, length):
        fault = self._fault(address, length)
        return fault, b"" if fault else self.peek(address, length)

    def peek(self, address, length):
        """Without a chip in between, as a programmer with clips on the flash would."""
        offset = address - FLASH_START
        return bytes(self.cells[offset : offset + length])

    def regions(self):
        """What was written; neighbours are one, however many commands wrote them."""
        joined = []
        for address, length in sorted(self.written.items()):
            if joined and joined[-1][0] + joined[-1][1] == address:
                joined[-1] = (joined[-1][0], joined[-1][1] + length)
            else:
                joined.append((address, length))
        return [
            {"address": address, "length": length, "sha256": hashlib.sha256(self.peek(address, length)).hexdigest()}
            for address, length in joined
        ]


class Fuses:
    """Bits that can be set and never cleared. Only the word that boots the chip is ever anything but 0 here."""

    def __init__(self, boot_word):
        self.words = {BOOT_FUSE_WORD: boot_word}
        self.locked = set()
        self.burns = []

    def burn(self, index, value):
        word = index & ~LOCK_BIT
        self.burns.append([index, value])
        if word >= FUSE_WORDS:
            return INVALID_ARGUMENT
        if word in self.locked:
            return FUSE_LOCKED
        self.words[word] = self.words.get(word, 0) | value
        if index & LOCK_BIT:
            self.locked.add(word)
        return OK

    def read(self, index):
        if index >= FUSE_WORDS:
            return FUSE_READ_FAILED, 0
        return OK, self.words.get(index, 0)


class Memory:
    def __init__(self, boot_fuse_word=0):
        self.ram = Ram()
        self.flash = Flash()
        self.fuses = Fuses(boot_fuse_word)
        self.loaded = {}

    def power_on(self):
        """Also what a reset leaves: RAM is garbage, flash has to be set up again."""
        self.ram = Ram()
        self.loaded = {}
        self.flash.configured = False

    def configure_flash(self, address):
        word = self.ram.word(address)
        if word == DESCRIBE_FLASH:
            self.flash.configured = True
            return OK
        if word == WRITE_FCB:
            block = b"FCFB" + (0x5601_0400).to_bytes(4, "little")
            return self.flash.write(FLASH_START, block + bytes(FCB_BYTES - len(block)))
        return INVALID_ARGUMENT

    def holds_program(self, address):
        """Was a whole loader image written there, one that is meant to lie there?"""
        head = self.ram.read(address, 0x28)
        if head is None:
            return False
        linked_at, start, length = (int.from_bytes(head[at : at + 4], "little") for at in (0x14, 0x20, 0x24))
        return head[0] == 0xD1 and linked_at == start == address and self.loaded.get(address, 0) >= length

    def boots(self):
        """Does the chip, left alone, start the SBL from its flash? "sbl", "firmware" behind it, or None."""
        if not self.fuses.words[BOOT_FUSE_WORD] & BOOT_FUSE_BITS:
            return None
        head = self.flash.peek(SBL, 0x18)
        if self.flash.peek(FLASH_START, 4) != b"FCFB" or head[0] != 0xD1:
            return None
        if int.from_bytes(head[0x14:], "little") != SBL_LINKED_AT:
            return None
        return "firmware" if FIRMWARE in self.flash.written else "sbl"
