"""Dates as platforms write them into names, in several languages; which attempt is the last."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

_MONTHS = (
    "jan january januar janvier janv janeiro januari enero ene gennaio gen leden ledna styczen "
    "stycznia sty ocak oca tammi jaan",
    "feb february februar fevrier fevr fev fevereiro februari febrero febbraio unor unora luty "
    "lutego lut subat sub helmi",
    "mar march marz maerz mrt mars maart marzo marco brezen brezna marzec marca mart maalis",
    "apr april avril avr abril abr aprile duben dubna kwiecien kwietnia kwi nisan nis huhti",
    "may mai mei maj mayo maio maggio mag kveten kvetna maja mayis touko",
    "jun june juni juin junho junio giugno giu cerven cervna czerwiec czerwca cze haziran haz kesa",
    "jul july juli juillet juil julho julio luglio lug cervenec cervence lipiec lipca lip temmuz "
    "tem heina",
    "aug august aout augustus augusti agosto ago srpen srpna sierpien sierpnia sie agustos agu elo",
    "sep sept september septembre setembro set septiembre settembre zari wrzesien wrzesnia wrz "
    "eylul eyl syys",
    "oct october oktober okt octobre outubro out octubre ottobre ott rijen rijna pazdziernik "
    "pazdziernika paz ekim eki loka",
    "nov november novembre novembro noviembre listopada lis kasim kas marras",
    "dec december dezember dez decembre dezembro diciembre dic dicembre desember des prosinec "
    "prosince grudzien grudnia gru aralik ara joulu",
)
MONTHS = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
MORNING = {"am", "上午", "오전", "午前", "πμ"}
EVENING = {"pm", "下午", "오후", "午後", "μμ"}
FILLERS = {
    *("de", "del", "of", "the", "at", "a", "as", "um", "uhr", "kl", "klo", "h", "min", "om", "o"),
    *("ore", "alle", "er", "th", "st", "nd", "rd", "年", "月", "日", "년", "월", "일"),
}

Reading = datetime | None


def read_date(text: str) -> tuple[Reading, Reading]:
    """Return a date and time, read with the day first and with the month first.

    The two are the same where the text leaves no doubt; None is what cannot be read.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain = (
        "".join(c for c in plain if not unicodedata.combining(c))
        .replace("ł", "l")
        .replace("ı", "i")
    )
    plain = unicodedata.normalize("NFC", re.sub(r"\b([ap])\W{0,2}m\b", r"\1m", plain))
    words = re.findall(r"[^\W\d_]+", plain)
    numbers = re.findall(r"[0-9]+", plain)
    months = [MONTHS[key] for word in words if (key := re.sub("kuu(?:ta)?$", "", word)) in MONTHS]
    rest = {w for w in words if re.sub("kuu(?:ta)?$", "", w) not in MONTHS} - FILLERS
    half = 12 if rest & EVENING else 0 if rest & MORNING else None
    if rest - EVENING - MORNING or len(months) > 1 or len(numbers) < 3 - len(months):
        return None, None
    if months:
        one, other, *time = numbers
        year, day = (one, other) if len(one) == 4 else (other, one)
        reading = _moment(year, months[0], day, time, half)
        return reading, reading
    one, two, three, *time = numbers
    if len(one) == 4:
        reading = _moment(one, two, three, time, half)
        return reading, reading
    return _moment(three, two, one, time, half), _moment(three, one, two, time, half)


def last_of(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which of several dates are the last, and which cannot be read.

    The first has one element, or all of them if the last cannot be told.
    """
    readings = {text: read_date(text) for text in texts}
    unread = [text for text, (one, other) in readings.items() if one is None and other is None]
    read = [text for text in readings if text not in unread]
    lasts = {_last({text: readings[text][order] for text in read}) for order in (0, 1)} - {None}
    if len(lasts) == 1 and (last := lasts.pop()):
        return [last], unread
    return list(readings), unread


def _last(readings: dict[str, Reading]) -> str | None:
    """The latest of some dates; None if one is missing or two are the latest."""
    moments = list(readings.values())
    if not moments or None in moments:
        return None
    latest = max(m for m in moments if m)
    return (
        None if moments.count(latest) > 1 else next(t for t, m in readings.items() if m == latest)
    )


def _moment(
    year: str, month: str | int, day: str, time: Sequence[str], half: int | None
) -> Reading:
    if len(time) == 1 and len(time[0]) > 2:
        digits = time[0].zfill(6 if len(time[0]) > 4 else 4)
        time = re.findall("..", digits)
    if len(year) != 4 or len(day) > 2 or len(time) > 3 or any(len(part) > 2 for part in time):
        return None
    hour, minute, second = (*map(int, time), 0, 0, 0)[:3]
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + half
    try:
        return datetime(int(year), int(month), int(day), hour, minute, second)
    except ValueError:
        return None
