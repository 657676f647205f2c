"""Quality of samples: one vocabulary for all systems, and how each system's own is read into it.

Here: GOOD, UNCERTAIN and BAD, and one function a vocabulary (OPC Classic, OPC UA, PI, MTConnect, and the words that historians write
out). They must not be mixed: 0 is the best code of OPC UA and the worst of OPC Classic, so nothing here guesses which of them a number
belongs to. Elsewhere: kinds that know their system (`connectors.kinds`), words and numbers of files that do not say theirs
(`transforms.samples.quality_of`).

What a system did not say is None. The source's own code stays beside the word, because the words of one class differ much in meaning.
"""

from __future__ import annotations

from typing import Literal

Quality = Literal["GOOD", "UNCERTAIN", "BAD"]

# --- OPC Classic (DA, HDA, A&E) ------------------------------------------------------------------------------------------------

OPC_CLASSIC: dict[int, Quality] = {0xC0: "GOOD", 0x40: "UNCERTAIN", 0x00: "BAD"}
"""By the two highest bits of the low byte QQSSSSLL."""
OPC_CLASSIC_CODES = {
    0: "bad", 4: "configuration error", 8: "not connected", 12: "device failure", 16: "sensor failure", 20: "last known value",
    24: "communication failure", 28: "out of service", 32: "waiting for initial data", 64: "uncertain", 68: "last usable value",
    80: "sensor not accurate", 84: "engineering units exceeded", 88: "sub-normal", 192: "good", 216: "local override",
}  # fmt: skip
"""What quality and sub-status say, without the limit bits."""


def opc_classic(code: int) -> Quality:
    """The quality of a code of OPC Classic. The upper bytes are the server's own and the flags of HDA, and say nothing of it.

    Good is a range, 192 to 255; the pattern 10 of the two bits is not used, so nothing good can be read from it.

    >>> opc_classic(192), opc_classic(216), opc_classic(64), opc_classic(0), opc_classic(0x40000 | 192), opc_classic(128)
    ('GOOD', 'GOOD', 'UNCERTAIN', 'BAD', 'GOOD', 'BAD')
    """
    return OPC_CLASSIC.get(code & 0xC0, "BAD")


def opc_classic_text(code: int) -> str | None:
    """What the sub-status of a code says, without limit bits; None where the standard names none.

    >>> opc_classic_text(24), opc_classic_text(217), opc_classic_text(44)
    ('communication failure', 'local override', None)
    """
    return OPC_CLASSIC_CODES.get(code & 0xFC)


OPC_HDA_FLAGS = {0x10000: "extra data", 0x20000: "interpolated", 0x40000: "raw", 0x80000: "calculated", 0x100000: "no bound"}
"""What HDA says in the upper 16 bits of how a value was made; nothing of what it is worth."""


def opc_hda_flags(code: int) -> list[str]:
    """The flags of HDA in a code of OPC Classic.

    >>> opc_hda_flags(0x20000 | 192), opc_hda_flags(192)
    (['interpolated'], [])
    """
    return [word for flag, word in OPC_HDA_FLAGS.items() if code & flag]


# --- OPC UA --------------------------------------------------------------------------------------------------------------------

OPC_UA: dict[int, Quality] = {0b00: "GOOD", 0b01: "UNCERTAIN", 0b10: "BAD"}
"""By the two highest bits of the 32 of a StatusCode."""


def opc_ua(code: int) -> Quality:
    """The quality of a StatusCode. Signed 32-bit numbers, as some databases keep them, are the same bits.

    >>> opc_ua(0x00000000), opc_ua(0x00960000), opc_ua(0x40900000), opc_ua(0x809B0000), opc_ua(-2136276992), opc_ua(0xC0000000)
    ('GOOD', 'GOOD', 'UNCERTAIN', 'BAD', 'BAD', 'BAD')
    """
    return OPC_UA.get(code >> 30 & 0b11, "BAD")


def opc_ua_name(name: str) -> Quality | None:
    """The quality of a StatusCode's name: it begins with its severity.

    >>> opc_ua_name("GoodLocalOverride"), opc_ua_name("UncertainLastUsableValue"), opc_ua_name("BadNoData"), opc_ua_name("192")
    ('GOOD', 'UNCERTAIN', 'BAD', None)
    """
    words: tuple[Quality, ...] = ("GOOD", "UNCERTAIN", "BAD")
    return next((word for word in words if name.startswith(word.capitalize())), None)


# --- AVEVA PI ------------------------------------------------------------------------------------------------------------------

PI_RESERVED = range(193, 321)
"""Codes of the SYSTEM digital state set that PI itself writes instead of a value."""
PI_SYSTEM_STATES = {
    210: "Access Denied", 211: "No Sample", 212: "No Result", 213: "Unit Down", 214: "Sample Bad", 215: "Equip Fail",
    216: "No Lab Data", 217: "Trace", 233: "DCS Failed", 237: "Bad Output", 238: "Scan Off", 239: "Scan On", 240: "Configure",
    241: "Failed", 242: "Error", 243: "Execute", 244: "Filtered", 245: "Calc Off", 246: "I/O Timeout", 247: "Set to Bad",
    248: "No Data", 249: "Calc Failed", 253: "Pt Created", 254: "Shutdown", 255: "Bad Input", 307: "Bad", 313: "Comm Fail",
}  # fmt: skip
"""Names as PI is delivered; an administrator may translate them, so the code decides where there is one."""
_PI_CODES = {name.casefold(): code for code, name in PI_SYSTEM_STATES.items()}


def pi(good: bool | None, questionable: bool | None = None) -> Quality | None:
    """The quality of a value by its flags. Substituted and Annotated say where a value comes from, not what it is worth.

    >>> pi(True), pi(True, True), pi(False, True), pi(None)
    ('GOOD', 'UNCERTAIN', 'BAD', None)
    """
    if good is None:
        return None
    return "BAD" if not good else "UNCERTAIN" if questionable else "GOOD"


def pi_code(name: str) -> int | None:
    """The code of a SYSTEM digital state by its untranslated name.

    >>> pi_code("I/O Timeout"), pi_code("no data"), pi_code("Running")
    (246, 248, None)
    """
    return _PI_CODES.get(name.strip().casefold())


# --- words of historians -------------------------------------------------------------------------------------------------------

_WORDS: dict[str, Quality] = {
    "good": "GOOD", "uncertain": "UNCERTAIN", "questionable": "UNCERTAIN", "doubtful": "UNCERTAIN", "suspect": "UNCERTAIN", "bad": "BAD",
}  # fmt: skip


def worded(text: str) -> Quality | None:
    """The quality that the first word of a text names; a sub-status may follow.

    >>> worded("GOOD"), worded("Bad OutOfService"), worded("Uncertain:Sensor"), worded("GoodNonSpecific"), worded("192"), worded("odd")
    ('GOOD', 'BAD', 'UNCERTAIN', 'GOOD', None, None)
    """
    lowered = text.strip().casefold()
    return next((quality for word, quality in _WORDS.items() if lowered.startswith(word)), None)


def percent_good(text: str) -> Quality | None:
    """The quality of the share of an interval in which a value was good, as Proficy tells it.

    >>> percent_good("100"), percent_good("0"), percent_good("62.5"), percent_good("192")
    ('GOOD', 'BAD', 'UNCERTAIN', None)
    """
    try:
        share = float(text)
    except ValueError:
        return None
    return {100.0: "GOOD", 0.0: "BAD"}.get(share, "UNCERTAIN" if 0 < share < 100 else None)  # type: ignore[return-value]


# --- AVEVA Historian -----------------------------------------------------------------------------------------------------------

_AVEVA: dict[int, Quality] = {0: "GOOD", 1: "BAD", 16: "UNCERTAIN"}
NULL_STORED = 249
"""QualityDetail of a NULL that was stored; its bits look good."""


def aveva(code: int) -> Quality | None:
    """The quality of the column Quality; 133 marks the initial value of a query, whatever it is worth.

    >>> aveva(0), aveva(1), aveva(16), aveva(133), aveva(192)
    ('GOOD', 'BAD', 'UNCERTAIN', None, None)
    """
    return _AVEVA.get(code)


def aveva_detail(code: int) -> Quality:
    """The quality of QualityDetail and OPCQuality; the upper 8 bits are the server's own.

    >>> aveva_detail(192), aveva_detail(448), aveva_detail(24), aveva_detail(249), aveva_detail(65536), aveva_detail(64)
    ('GOOD', 'GOOD', 'BAD', 'BAD', 'BAD', 'UNCERTAIN')
    """
    return "BAD" if code == NULL_STORED else opc_classic(code & 0xFF)


# --- Sparkplug B ---------------------------------------------------------------------------------------------------------------

STALE = 500
"""What Sparkplug adds to the codes that it takes from OPC; its bits look good."""
_SPARKPLUG: dict[int, Quality] = {192: "GOOD", 0: "BAD", STALE: "BAD"}


def sparkplug(code: int) -> Quality:
    """The quality of the property Quality of a metric.

    >>> sparkplug(192), sparkplug(0), sparkplug(500), sparkplug(64)
    ('GOOD', 'BAD', 'BAD', 'UNCERTAIN')
    """
    return _SPARKPLUG.get(code, "UNCERTAIN")


# --- MTConnect -----------------------------------------------------------------------------------------------------------------

UNAVAILABLE = "UNAVAILABLE"


def mtconnect(value: str | None) -> Quality:
    """The quality of an observation: the word UNAVAILABLE, in any spelling, stands instead of a value.

    >>> mtconnect("12.5"), mtconnect("Unavailable"), mtconnect("")
    ('GOOD', 'BAD', 'GOOD')
    """
    return "BAD" if value is None or value.strip().upper() == UNAVAILABLE else "GOOD"
